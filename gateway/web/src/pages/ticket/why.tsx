import { CheckCircleFilled, MinusCircleOutlined } from "@ant-design/icons";
import { useQuery } from "@tanstack/react-query";

import type { ReactNode } from "react";
import { answer, api } from "../../api/client";
import { Loading, Panel, ProblemAlert, When } from "../../parts";
import { useTexts } from "./texts";

interface Judged {
  rule: string;
  matched: boolean;
  when: string;
  because: string[];
}
interface Told {
  at: string | null;
  told: string[];
}
interface Explained {
  decisions: {
    message: string;
    record: string;
    mapping: string;
    mapping_version: string;
    rules_version: string;
    rules: Judged[];
  }[];
  grading: Told[];
  routing: Told[];
  doubts: string[];
  promises_told: string[];
  escalation: {
    ran: { step: string; fired_at: string; told: string[] }[];
    planned: { step: string; due_at: string; told: string[] }[];
  };
  notices: { at: string; words: string[] }[];
  together: { at: string | null; told: string }[];
  commands: {
    id: string;
    connection: string;
    op: string;
    state: string;
    reason: string;
    created_at: string;
    bridge: string;
  }[];
}

/** Why it exists, why this priority and these people, who was told: the trace of every decision, in words. */
export function Why({ ticket }: { ticket: string }) {
  const t = useTexts();
  const { data, error, refetch } = useQuery({
    queryKey: ["ticket", ticket, "explain"],
    queryFn: () => answer<Explained>(api.GET("/v1/tickets/{ticket}/explain", { params: { path: { ticket } } })),
  });
  if (error) return <ProblemAlert error={error} retry={() => void refetch()} />;
  if (!data) return <Loading />;
  const { ran, planned } = data.escalation ?? { ran: [], planned: [] };
  return (
    <div className="why">
      <Panel title={t("trace")}>
        {data.decisions?.length ? (
          data.decisions.map((decision) => <Decision key={decision.message} decision={decision} />)
        ) : (
          <p className="quiet">{t("byHand")}</p>
        )}
      </Panel>
      <Lines title={t("grading")} of={data.grading} />
      <Lines title={t("routing")} of={data.routing} />
      <Sentences title={t("doubts")} of={data.doubts} />
      <Sentences title={t("promisesWhy")} of={data.promises_told} />
      <Lines
        title={t("escalationRan")}
        of={ran.map((step) => ({ at: step.fired_at, told: [step.step, ...step.told] }))}
      />
      <Lines
        title={t("escalationPlanned")}
        of={planned.map((step) => ({ at: step.due_at, told: [step.step, ...step.told] }))}
      />
      <Lines title={t("notices")} of={data.notices?.map((notice) => ({ at: notice.at, told: notice.words }))} />
      <Lines title={t("togetherWhy")} of={data.together?.map((each) => ({ at: each.at, told: [each.told] }))} />
      <Lines
        title={t("commandsWhy")}
        of={data.commands?.map((each) => ({
          at: each.created_at,
          told: [`${each.connection} · ${each.op} · ${each.state}`, each.bridge, each.reason].filter(Boolean),
        }))}
      />
    </div>
  );
}

function Decision({ decision }: { decision: Explained["decisions"][number] }) {
  const t = useTexts();
  return (
    <>
      <p className="quiet">
        {t("message")} <span className="id">{decision.message}</span> · {decision.record} · {t("mapping")}{" "}
        {decision.mapping} <code>{decision.mapping_version}</code>
      </p>
      <ol className="judged">
        {decision.rules.map((rule) => (
          <li key={rule.rule} className={rule.matched ? "judged-yes" : ""}>
            {rule.matched ? <CheckCircleFilled /> : <MinusCircleOutlined />}
            <div>
              <strong>{rule.rule}</strong> <span>{t(rule.matched ? "matched" : "notMatched")}</span>
              <div>
                <code>{rule.when}</code>
              </div>
              {rule.because.map((part) => (
                <div key={part} className="quiet">
                  {part}
                </div>
              ))}
            </div>
          </li>
        ))}
      </ol>
    </>
  );
}

function Lines({ title, of }: { title: string; of: Told[] | undefined }): ReactNode {
  if (!of?.length) return null;
  return (
    <Panel title={title}>
      <ul className="plain">
        {of.map((each) => (
          <li key={`${each.at} ${each.told.join()}`}>
            {each.at && (
              <span className="quiet">
                <When at={each.at} exact />
              </span>
            )}
            {each.told.map((line, n) => (
              <div key={line} className={n > 0 ? "quiet" : ""}>
                {line}
              </div>
            ))}
          </li>
        ))}
      </ul>
    </Panel>
  );
}

function Sentences({ title, of }: { title: string; of: string[] | undefined }): ReactNode {
  return <Lines title={title} of={of?.map((line) => ({ at: null, told: [line] }))} />;
}
