/** How a value came about, in words and in order: the record in its source, every step of every formula, the result. */
import { Collapse, Typography } from "antd";
import type { ReactNode } from "react";
import { Link } from "react-router";
import { useLanguage } from "../../i18n";
import { When } from "../../parts";
import { useTexts } from "./texts";
import type { Fact, Origin, SourceField, Trace } from "./types";
import { moment, operation, quoted, shown, systemTitle } from "./words";

/** The whole in one sentence. */
export function Summary({ origin }: { origin: Origin }) {
  const t = useTexts();
  const [language] = useLanguage();
  const value = quoted(origin.value, t);
  const from = [
    ...new Set(origin.sources.map((s) => `${systemTitle(origin, s.system, language)} · ${s.dataset} · ${s.key}`)),
  ];
  const facts = origin.facts.map((f) => (f.xref ? `${f.xref[1]} ${f.xref[2]}` : f.origin || f.name));
  const read = [...from, ...(from.length === 0 ? facts : [])].join(t("and"));
  let text: string;
  if (origin.how === "by hand") text = t("summaryHand", { value, actor: origin.actor });
  else if (origin.how === "as answered") text = t("summaryAnswered", { value, from: read });
  else if (origin.how === "fact") text = t("summaryFact", { value, origin: facts.join(t("and")) || origin.actor });
  else if (read === "") text = t("summaryConstant", { value });
  else text = t("summaryMapped", { value, from: read, mappings: origin.stages.length });
  return <p className="value-summary">{text}</p>;
}

export function Story({ origin, ticket }: { origin: Origin; ticket: string }) {
  return (
    <section className="panel story-panel">
      <Chain origin={origin} end={`${ticket} · ${origin.field}`} />
    </section>
  );
}

/** `end`: what the value became. */
export function Chain({ origin, end }: { origin: Origin; end: string }) {
  const t = useTexts();
  const stages = origin.stages.map((stage, n) => ({
    ...stage,
    traces: origin.traces.filter((trace) => trace.stage === n),
  }));
  return (
    <ol className="story">
      {bySource(origin.sources).map(([key, fields]) => (
        <SourceMoment key={key} origin={origin} fields={fields} />
      ))}
      {origin.facts.length > 0 && (
        <Moment tone="hub" title={t("fromHub")}>
          {origin.facts.map((fact) => (
            <FactTold key={fact.name} fact={fact} />
          ))}
        </Moment>
      )}
      {stages.map((stage, n) =>
        stage.traces.length === 0 ? null : (
          <Moment
            // biome-ignore lint/suspicious/noArrayIndexKey: a stage is its place
            key={n}
            tone="mapping"
            title={stage.mapping}
            note={
              <>
                {t("mapping")} · {t("version")} <code title={stage.version}>{stage.version.slice(0, 10)}</code>
              </>
            }
          >
            {stage.traces.map((trace) => (
              <TraceTold key={trace.field} trace={trace} />
            ))}
          </Moment>
        ),
      )}
      <Moment tone="result" title={end}>
        <div className="story-result">{shown(origin.value, t, 400)}</div>
      </Moment>
    </ol>
  );
}

function bySource(sources: SourceField[]): [string, SourceField[]][] {
  const made = new Map<string, SourceField[]>();
  for (const each of sources) {
    const key = `${each.dataset} ${each.key}`;
    made.set(key, [...(made.get(key) ?? []), each]);
  }
  return [...made];
}

function Moment(props: { tone: string; title: ReactNode; note?: ReactNode; children: ReactNode }) {
  return (
    <li className={`moment moment-${props.tone}`}>
      <div className="moment-title">{props.title}</div>
      {props.note && <div className="moment-note">{props.note}</div>}
      {props.children}
    </li>
  );
}

function SourceMoment({ origin, fields }: { origin: Origin; fields: SourceField[] }) {
  const t = useTexts();
  const [language] = useLanguage();
  const [first] = fields;
  if (!first) return null;
  return (
    <Moment
      tone="source"
      title={t("recordOf", { system: systemTitle(origin, first.system, language), dataset: first.dataset })}
      note={
        <>
          {t("record")} <code>{first.key}</code> · {t("readAt")} <When at={moment(first.read_at)} exact />
          {origin.run && (
            <>
              {" "}
              · {t("run")} {origin.run.job} <code title={origin.run.uuid}>{origin.run.uuid.slice(-8)}</code>
            </>
          )}
        </>
      }
    >
      <dl className="raw">
        {fields.map((each) => (
          <div key={each.field}>
            <dt>{each.field}</dt>
            <dd>{shown(each.raw, t, 400)}</dd>
          </div>
        ))}
      </dl>
    </Moment>
  );
}

function TraceTold({ trace }: { trace: Trace }) {
  const t = useTexts();
  const steps = trace.steps.filter((step) => step.operation !== "read" && step.operation !== "constant");
  const plain = steps.length === 0;
  return (
    <div className="trace">
      <div className="trace-line">
        <code className="formula">
          {trace.field} = {trace.expression}
        </code>
        <span className="arrow">→</span>
        <span className="told">{shown(trace.value, t, 200)}</span>
        {plain && <Typography.Text type="secondary">{t("takenAsIs")}</Typography.Text>}
      </div>
      {!plain && (
        <ol className="steps">
          {steps.map((step, n) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a step is its place
            <li key={n}>
              <b>{operation(step, t)}</b>{" "}
              {step.inputs.map(([text, value]) => `${text} = ${quoted(value, t)}`).join(t("and"))}
              <span className="arrow">→</span>
              <span className="told">
                {step.error ? t("failed", { error: step.error }) : shown(step.result, t, 200)}
              </span>
            </li>
          ))}
        </ol>
      )}
      {trace.error && <Typography.Text type="warning">{t("failed", { error: trace.error })}</Typography.Text>}
    </div>
  );
}

function FactTold({ fact }: { fact: Fact }) {
  const t = useTexts();
  const id = typeof fact.value === "string" && /^[A-Z]+-\d{4}-\d{6,}$/.test(fact.value) ? fact.value : null;
  return (
    <div className="trace">
      <div className="trace-line">
        <code className="formula">{fact.name}</code>
        <span className="arrow">=</span>
        <span className="told">
          {id && !id.startsWith("TKT-") ? <Link to={`/identity/${id}`}>{id}</Link> : shown(fact.value, t, 200)}
        </span>
        <Typography.Text type="secondary">
          {fact.xref
            ? t("registryFact", { kind: fact.xref[0], system: fact.xref[1], local: fact.xref[2] })
            : fact.origin && t("factFrom", { origin: fact.origin })}
        </Typography.Text>
      </div>
      {fact.derived && (
        <Collapse
          ghost
          size="small"
          items={[{ key: "1", label: t("originOfFact"), children: <Chain origin={fact.derived} end={fact.name} /> }]}
        />
      )}
    </div>
  );
}
