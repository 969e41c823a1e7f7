import { Alert } from "antd";
import { Problem } from "../../api/problem";
import { ProblemAlert } from "../../parts";
import { useTexts } from "./texts";

/** Why a password was not taken, in the reader's language; `wrong`: what is told when it is not the right one. */
export function Refused({ error, wrong }: { error: unknown; wrong: string }) {
  const t = useTexts();
  const status = error instanceof Problem ? error.status : undefined;
  if (status === 401) return <Alert type="error" showIcon title={wrong} />;
  if (status === 429) return <Alert type="error" showIcon title={t("tooMany")} />;
  return <ProblemAlert error={error} />;
}
