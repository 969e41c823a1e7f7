import { useMutation } from "@tanstack/react-query";
import { Button, Flex, Grid, Popconfirm, Segmented, Select } from "antd";
import { useMemo, useState } from "react";
import { answer, api } from "../../api/client";
import { CodeView, EmptyWithAdvice, Health, ProblemAlert, When } from "../../parts";
import { useConnections, useLanguageOfMappings } from "./calls";
import { shown } from "./chain";
import { ruleCompletion } from "./completion";
import { useDraft } from "./draft";
import { Editor } from "./editor";
import type { BenchLine, Decided, PartProblem } from "./shapes";
import { useTexts } from "./texts";
import { yamlOf } from "./yaml";

export default function RulesStep() {
  const t = useTexts();
  const { body, change } = useDraft();
  const take = useMutation({
    mutationFn: () => answer<{ rules: unknown[] }>(api.GET("/v1/configuration")),
    onSuccess: ({ rules }) => change((now) => ({ ...now, rules: yamlOf(rules) })),
  });
  if (body.rules === null) {
    return (
      <>
        {take.error && <ProblemAlert error={take.error} />}
        <EmptyWithAdvice
          title={t("rulesAsTheyAre")}
          advice={t("rulesAsTheyAreAdvice")}
          action={
            <Button type="primary" loading={take.isPending} onClick={() => take.mutate()}>
              {t("takeRules")}
            </Button>
          }
        />
      </>
    );
  }
  return <RulesBench rules={body.rules} />;
}

function RulesBench({ rules }: { rules: string }) {
  const t = useTexts();
  const wide = Grid.useBreakpoint().lg ?? true;
  const { draft, change, flush } = useDraft();
  const language = useLanguageOfMappings();
  const connections = useConnections();
  const [connection, setConnection] = useState<string | undefined>();
  const [pane, setPane] = useState<"rules" | "bench">("rules");
  const bench = useMutation({
    mutationFn: async () => {
      await flush();
      return answer<{ problems: PartProblem[]; items: BenchLine[] }>(
        api.POST("/v1/studio/drafts/{draft}/rules/try", {
          params: { path: { draft: draft.id } },
          body: { connection: connection ?? null, limit: 50 },
        }),
      );
    },
  });
  const complete = useMemo(() => ruleCompletion(language.data), [language.data]);
  const problems = useMemo(() => bench.data?.problems ?? [], [bench.data]);
  const inRules = useMemo(() => problems.filter((p) => p.part === "rules"), [problems]);
  const elsewhere = problems.filter((p) => p.part !== "rules");
  const editor = (
    <section className="studio-pane" aria-label={t("rules")}>
      <header className="studio-pane-head">
        <h2>{t("rules")}</h2>
        {inRules.length > 0 && <Health level="bad">{t("problems", { n: inRules.length })}</Health>}
        <Popconfirm title={`${t("dropRules")}?`} onConfirm={() => change((now) => ({ ...now, rules: null }))}>
          <Button size="small" type="text">
            {t("dropRules")}
          </Button>
        </Popconfirm>
      </header>
      <div className="studio-pane-body">
        <Editor
          value={rules}
          onChange={(text) => change((now) => ({ ...now, rules: text }))}
          label={t("rules")}
          problems={inRules}
          complete={complete}
        />
      </div>
    </section>
  );
  const results = (
    <section className="studio-pane" aria-label={t("bench")}>
      <header className="studio-pane-head">
        <h2>{t("bench")}</h2>
        <Select
          size="small"
          allowClear
          aria-label={t("connection")}
          placeholder={t("anyConnection")}
          style={{ minWidth: 150 }}
          value={connection}
          onChange={setConnection}
          options={(connections.data?.items ?? []).map((c) => ({ value: c.id, label: c.id }))}
        />
        <Button size="small" type="primary" loading={bench.isPending} onClick={() => bench.mutate()}>
          {t("runBench")}
        </Button>
      </header>
      <div className="studio-pane-body">
        {bench.error && <ProblemAlert error={bench.error} />}
        {elsewhere.map((p) => (
          <p key={`${p.part} ${p.path} ${p.message}`} className="studio-bad" style={{ padding: "0 12px" }}>
            {p.part} {p.path}: {p.message}
          </p>
        ))}
        {!bench.data && !bench.isPending && (
          <p className="studio-muted" style={{ padding: "0 12px" }}>
            {t("benchAdvice")}
          </p>
        )}
        {bench.data && problems.length === 0 && bench.data.items.length === 0 && (
          <EmptyWithAdvice title={t("noMessages")} advice={t("noMessagesAdvice")} />
        )}
        {bench.data && <Lines lines={bench.data.items} />}
      </div>
    </section>
  );
  return (
    <>
      {!wide && (
        <Segmented
          block
          aria-label={t("rules")}
          style={{ marginBottom: 8 }}
          value={pane}
          onChange={setPane}
          options={[
            { value: "rules", label: t("rules") },
            { value: "bench", label: t("bench") },
          ]}
        />
      )}
      <div className="studio-bench" style={{ gridTemplateColumns: "minmax(0, 1fr) minmax(0, 1fr)" }}>
        {wide ? (
          <>
            {editor}
            {results}
          </>
        ) : pane === "rules" ? (
          editor
        ) : (
          results
        )}
      </div>
    </>
  );
}

function End({ decided }: { decided: Decided }) {
  const t = useTexts();
  const words = decided.end === "ticketed" ? t("ticketed") : decided.end === "dead" ? t("deadShort") : t("suppressed");
  const level = decided.end === "ticketed" ? "good" : decided.end === "dead" ? "bad" : "off";
  return (
    <Health level={level}>
      {words} · <code>{decided.rule ?? t("noRule")}</code>
    </Health>
  );
}

function Lines({ lines }: { lines: BenchLine[] }) {
  const t = useTexts();
  const [open, setOpen] = useState<string | null>(null);
  return (
    <table className="studio-values">
      <tbody>
        {lines.map((line) => {
          const same =
            line.now.end === line.then.end &&
            line.now.rule === line.then.rule &&
            shown(line.now.ticket) === shown(line.then.ticket);
          return (
            <tr key={line.message} className={open === line.message ? "chosen" : undefined}>
              <td style={{ fontFamily: "inherit" }}>
                <Flex justify="space-between" gap={8} wrap>
                  <button
                    type="button"
                    aria-expanded={open === line.message}
                    onClick={() => setOpen(open === line.message ? null : line.message)}
                  >
                    {line.connection}/{line.stream} · {line.key || line.message}
                  </button>
                  <When at={line.at} />
                </Flex>
                <Flex gap="2px 12px" wrap>
                  <End decided={line.then} />
                  {same ? (
                    <span className="studio-muted">{t("same")}</span>
                  ) : (
                    <span className="studio-muted">
                      {t("decidedNow")}: <End decided={line.now} />
                    </span>
                  )}
                </Flex>
                {open === line.message && <Traced line={line} />}
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

function Traced({ line }: { line: BenchLine }) {
  const t = useTexts();
  return (
    <div className="studio-stack" style={{ paddingTop: 8 }}>
      <strong>{t("trace")}</strong>
      <ol className="studio-chain">
        {line.then.trace.map((step) => (
          <li key={step.rule}>
            <Health level={step.matched ? "good" : "off"}>
              <code>{step.rule}</code> {step.matched ? t("matched") : t("notMatched")}
            </Health>
            <div className="studio-mono studio-muted">{step.when}</div>
            {step.because.map((why) => (
              <div key={why} className="studio-mono">
                {why}
              </div>
            ))}
          </li>
        ))}
      </ol>
      {line.then.fault && (
        <p className="studio-bad">
          {line.then.fault.field}: {line.then.fault.message}
        </p>
      )}
      {line.then.ticket && (
        <>
          <strong>{t("ticketThen")}</strong>
          <CodeView value={line.then.ticket} maxHeight={220} label={t("ticketThen")} />
        </>
      )}
      <strong>{t("recordSeen")}</strong>
      <CodeView value={line.record} maxHeight={220} label={t("recordSeen")} />
    </div>
  );
}
