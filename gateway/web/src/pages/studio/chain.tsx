import type { Step, Tried } from "./shapes";
import { useTexts } from "./texts";

type Mapping = NonNullable<Tried["mapping"]>;
type Chains = NonNullable<Tried["result"]>["chains"];

/** A value as people read it: text as it is, the rest as JSON. */
export function shown(value: unknown): string {
  if (value === null || value === undefined) return "null";
  return typeof value === "string" ? value : JSON.stringify(value);
}

function StepLine({ step }: { step: Step }) {
  return (
    <li>
      <code>{step.text}</code>{" "}
      <span className="studio-muted">
        {step.path ? "←" : "="}{" "}
        {step.error ? <span className="studio-bad">{step.error}</span> : <code>{shown(step.result)}</code>}
      </span>
    </li>
  );
}

/** From what was read, step by step, to the value. */
export function Chain(props: {
  field: Mapping["fields"][number];
  chain: Chains[string];
  edges: Mapping["edges"];
  goTo: () => void;
}) {
  const t = useTexts();
  const { field, chain, edges } = props;
  return (
    <div className="studio-stack" style={{ padding: "8px 0", fontFamily: "var(--ant-font-family)" }}>
      {field.doc && <div className="studio-muted">{field.doc}</div>}
      <div>
        <button type="button" onClick={props.goTo} title={`${t("mapping")} ${field.line}`}>
          <code>{chain.expression}</code>
        </button>
      </div>
      {edges.length > 0 && (
        <div className="studio-muted">
          {t("fieldGraph")}:{" "}
          {edges.map((e, n) => (
            <span key={`${e.path} ${e.type} ${e.subtype}`}>
              {n > 0 && ", "}
              <code>{e.path}</code> ({e.type} {e.subtype}
              {e.masking ? ", masking" : ""})
            </span>
          ))}
        </div>
      )}
      <ol className="studio-chain" aria-label={t("steps")}>
        {chain.steps
          .filter((s) => s.operation !== "literal")
          .map((step, n) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: steps have an order and nothing else of their own
            <StepLine key={n} step={step} />
          ))}
      </ol>
    </div>
  );
}
