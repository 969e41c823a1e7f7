import { Alert, Button } from "antd";
import { Problem } from "../api/problem";
import { useCommon } from "./texts";

/** What went wrong and what to do next, as the hub said it. */
export function ProblemAlert({ error, retry }: { error: unknown; retry?: () => void }) {
  const t = useCommon();
  const problem = error instanceof Problem ? error : null;
  const lines = problem?.lines.filter((line) => line.message !== problem.message || line.hint) ?? [];
  return (
    <Alert
      type="error"
      showIcon
      title={
        problem ? problem.message : error instanceof Error ? `${t("unreachable")} ${error.message}` : t("unreachable")
      }
      description={
        lines.length > 0 ? (
          <ul style={{ margin: 0, paddingInlineStart: 18 }}>
            {lines.map((line) => (
              <li key={`${line.path} ${line.message}`}>
                {line.path && <code>{line.path}: </code>}
                {line.message}
                {line.hint && <div style={{ opacity: 0.85 }}>{line.hint}</div>}
              </li>
            ))}
          </ul>
        ) : undefined
      }
      action={
        retry && (
          <Button size="small" onClick={retry}>
            {t("retry")}
          </Button>
        )
      }
    />
  );
}
