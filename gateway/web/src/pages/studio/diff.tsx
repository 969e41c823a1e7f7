import { Collapse } from "antd";
import type { T } from "../../i18n";
import { Health } from "../../parts";
import type { Change } from "./shapes";
import { useTexts } from "./texts";

interface Line {
  text: string;
  was: "same" | "added" | "removed";
}

/** The lines of two texts, in one list: longest common subsequence, as every diff. */
export function difference(before: string, after: string): Line[] {
  const a = before.split("\n");
  const b = after.split("\n");
  if (a.length * b.length > 4_000_000) {
    return [...a.map((text): Line => ({ text, was: "removed" })), ...b.map((text): Line => ({ text, was: "added" }))];
  }
  const width = b.length + 1;
  const longest = new Uint32Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      longest[i * width + j] =
        a[i] === b[j]
          ? (longest[(i + 1) * width + j + 1] ?? 0) + 1
          : Math.max(longest[(i + 1) * width + j] ?? 0, longest[i * width + j + 1] ?? 0);
    }
  }
  const found: Line[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      found.push({ text: a[i] ?? "", was: "same" });
      i += 1;
      j += 1;
    } else if (
      j >= b.length ||
      (i < a.length && (longest[(i + 1) * width + j] ?? 0) >= (longest[i * width + j + 1] ?? 0))
    ) {
      found.push({ text: a[i] ?? "", was: "removed" });
      i += 1;
    } else {
      found.push({ text: b[j] ?? "", was: "added" });
      j += 1;
    }
  }
  return found.filter((line, n) => line.text !== "" || (n > 0 && n < found.length - 1));
}

const SIGNS = { same: " ", added: "+", removed: "-" } as const;

function Diff({ before, after, label }: { before: string; after: string; label: string }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard
    <section className="studio-diff" tabIndex={0} aria-label={label}>
      {difference(before, after).map((line, n) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: lines have an order and nothing else of their own
        <div key={n} className={line.was}>
          {SIGNS[line.was]} {line.text}
        </div>
      ))}
    </section>
  );
}

const KINDS = ["connection", "connector", "mapping", "rule", "bridge", "policy"] as const;
type Kind = (typeof KINDS)[number];

export function kindName(t: T<`kind${Kind}`>, kind: string): string {
  return (KINDS as readonly string[]).includes(kind) ? t(`kind${kind as Kind}`) : kind;
}

/** What is added, changed and removed; each opens to its lines. */
export function Changes({ changes }: { changes: Change[] }) {
  const t = useTexts();
  return (
    <Collapse
      size="small"
      defaultActiveKey={changes.length <= 3 ? changes.map((c) => `${c.kind} ${c.id}`) : []}
      items={changes.map((c) => ({
        key: `${c.kind} ${c.id}`,
        label: (
          <span>
            <Health level={c.what === "removed" ? "bad" : c.what === "added" ? "good" : "warning"}>
              {t(c.what === "unchanged" ? "unchangedWhat" : c.what)}
            </Health>{" "}
            {kindName(t, c.kind)} <code>{c.id}</code>
            {c.fields.length > 0 && <span className="studio-muted"> · {c.fields.join(", ")}</span>}
          </span>
        ),
        children: <Diff before={c.before ?? ""} after={c.after ?? ""} label={`${kindName(t, c.kind)} ${c.id}`} />,
      }))}
    />
  );
}
