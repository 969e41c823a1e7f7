import { Alert } from "antd";
import { Link } from "react-router";
import { useDraft } from "./draft";
import type { PartProblem } from "./shapes";
import { useTexts } from "./texts";

/** Where a part of the draft is written. */
function placeOf(base: string, part: string): string {
  const [kind, name = ""] = part.split(" ");
  if (kind === "mapping") return `${base}/mappings/${name}`;
  if (kind === "connection") return `${base}/connection/${name}`;
  return kind === "rules" ? `${base}/rules` : base;
}

/** Every problem of a draft, leading to where it is mended. */
export function Problems({ problems }: { problems: PartProblem[] }) {
  const t = useTexts();
  const { draft } = useDraft();
  return (
    <Alert
      type="error"
      showIcon
      title={t("refused")}
      description={
        <ul style={{ margin: 0, paddingInlineStart: 18 }}>
          {problems.map((p) => (
            <li key={`${p.part} ${p.path} ${p.message}`}>
              <Link to={placeOf(`/studio/drafts/${draft.id}`, p.part)}>
                {p.part} {p.path}
                {p.line !== null && ` (${p.line}:${p.column})`}
              </Link>
              : {p.message}
              {p.hint && <div className="studio-muted">{p.hint}</div>}
            </li>
          ))}
        </ul>
      }
    />
  );
}
