import { useMutation, useQuery } from "@tanstack/react-query";
import { App, Button, Tooltip } from "antd";
import { answer, api } from "../../api/client";
import { useLanguage } from "../../i18n";
import { EmptyWithAdvice, Health, Panel, ProblemAlert, When } from "../../parts";
import { useSession } from "../../session";
import type { WholeTicket } from "../../tickets/types";
import { useTexts } from "./texts";

interface Linked {
  connection: string;
  key: Record<string, unknown>;
  source: boolean;
  url: string | null;
  desired: {
    op: string;
    body: Record<string, unknown>;
    by: string;
    at: string;
    state: string;
    reason: string;
    attempts: number;
  } | null;
  observed: { what: string; state: string; at: string; values: Record<string, unknown> }[];
  in_step: boolean | null;
}
interface Operation {
  op: string;
  title: string;
  title_zh: string;
  possible: boolean;
  why_not: string;
  body_schema: { required?: string[] };
}

/** The objects in other systems: what the hub wants each to be, and what was seen of it last. */
export function Remote({ ticket, onDone }: { ticket: WholeTicket; onDone: () => Promise<unknown> }) {
  const t = useTexts();
  const { may } = useSession();
  const { message } = App.useApp();
  const params = { path: { ticket: ticket.id } };
  const { data, error, refetch } = useQuery({
    queryKey: ["ticket", ticket.id, "objects"],
    queryFn: () => answer<{ items: Linked[] }>(api.GET("/v1/tickets/{ticket}/remote/objects", { params })),
    refetchInterval: 5_000,
  });
  const resend = useMutation({
    mutationFn: (command: string) =>
      answer(
        api.POST("/v1/tickets/{ticket}/commands/{command}/resend", {
          params: { path: { ticket: ticket.id, command: command as never } },
        }),
      ),
    onSuccess: async () => {
      message.success(t("sent"));
      await onDone();
    },
  });
  if (error) return <ProblemAlert error={error} retry={() => void refetch()} />;
  return (
    <div className="why">
      {data?.items.length === 0 && <EmptyWithAdvice title={t("noObjects")} advice={t("noObjectsAdvice")} />}
      {data?.items.map((each) => (
        <OneObject key={`${each.connection} ${JSON.stringify(each.key)}`} object={each} />
      ))}
      {may("act") && ticket.connection && <Operations ticket={ticket.id} onDone={onDone} />}
      {ticket.commands?.length > 0 && (
        <Panel title={t("commands")}>
          <ul className="plain">
            {ticket.commands.map((each) => (
              <li key={each.id} className="brief">
                <Health
                  level={
                    each.state === "done"
                      ? "good"
                      : each.state === "waiting" || each.state === "sending"
                        ? "warning"
                        : "bad"
                  }
                >
                  {each.state}
                </Health>
                <strong>
                  {each.connection} · {each.op}
                </strong>
                <span className="quiet">
                  {each.bridge} · {t("tries", { n: each.attempts })} · <When at={each.created_at} />
                  {each.echoed_at && ` · ${t("echoed")}`}
                </span>
                {each.reason && <span className="quiet">{each.reason}</span>}
                {may("act") && (each.state === "refused" || each.state === "person") && (
                  <Button size="small" onClick={() => resend.mutate(each.id)}>
                    {t("resend")}
                  </Button>
                )}
              </li>
            ))}
          </ul>
          {resend.error && <ProblemAlert error={resend.error} />}
        </Panel>
      )}
    </div>
  );
}

function OneObject({ object }: { object: Linked }) {
  const t = useTexts();
  const key = Object.entries(object.key)
    .map(([name, value]) => `${name} ${String(value)}`)
    .join(", ");
  return (
    <Panel
      title={
        <>
          {object.connection}
          {object.source && <span className="quiet"> · {t("source")}</span>}
        </>
      }
      extra={
        object.in_step !== null && (
          <Health level={object.in_step ? "good" : "warning"}>{t(object.in_step ? "inStep" : "notInStep")}</Health>
        )
      }
    >
      <p className="quiet clip">
        {object.url ? (
          <a href={object.url} target="_blank" rel="noreferrer">
            {key || object.url}
          </a>
        ) : (
          key
        )}
      </p>
      <div className="sides">
        <div>
          <h3>{t("desired")}</h3>
          {object.desired ? (
            <>
              <strong>{object.desired.op}</strong> · {object.desired.state} · <When at={object.desired.at} />
              <Named values={object.desired.body} />
              {object.desired.reason && <div className="quiet">{object.desired.reason}</div>}
            </>
          ) : (
            <span className="quiet">{t("nothingWanted")}</span>
          )}
        </div>
        <div>
          <h3>{t("observed")}</h3>
          {object.observed.length === 0 && <span className="quiet">{t("nothingSeen")}</span>}
          {object.observed.slice(0, 5).map((each) => (
            <div key={`${each.what} ${each.at} ${each.state}`}>
              <strong>{each.state}</strong> · {each.what} · <When at={each.at} />
              <Named values={each.values} />
            </div>
          ))}
        </div>
      </div>
    </Panel>
  );
}

function Named({ values }: { values: Record<string, unknown> }) {
  const shown = Object.entries(values).filter(
    ([, value]) => value !== null && value !== "" && typeof value !== "object",
  );
  return (
    <div className="quiet named">
      {shown.map(([name, value]) => (
        <span key={name}>
          {name}: {String(value)}
        </span>
      ))}
    </div>
  );
}

function Operations({ ticket, onDone }: { ticket: string; onDone: () => Promise<unknown> }) {
  const t = useTexts();
  const [language] = useLanguage();
  const { message } = App.useApp();
  const params = { path: { ticket } };
  const { data } = useQuery({
    queryKey: ["ticket", ticket, "operations"],
    queryFn: () => answer<{ operations: Operation[] }>(api.GET("/v1/tickets/{ticket}/remote", { params })),
    staleTime: 30_000,
    retry: false,
  });
  const send = useMutation({
    mutationFn: (op: string) => answer(api.POST("/v1/tickets/{ticket}/remote", { params, body: { op, body: {} } })),
    onSuccess: async () => {
      message.success(t("sent"));
      await onDone();
    },
  });
  const simple = data?.operations.filter((each) => !each.body_schema.required?.length) ?? [];
  if (simple.length === 0) return null;
  return (
    <Panel title={t("operations")}>
      <div className="operations">
        {simple.map((each) => (
          <Tooltip key={each.op} title={each.why_not}>
            <Button
              disabled={!each.possible}
              loading={send.isPending && send.variables === each.op}
              onClick={() => send.mutate(each.op)}
            >
              {language === "zh" ? each.title_zh : each.title}
            </Button>
          </Tooltip>
        ))}
      </div>
      {send.error && <ProblemAlert error={send.error} />}
    </Panel>
  );
}
