import { Alert, Typography } from "antd";
import type { Once } from "./accounts";
import { useTexts } from "./texts";

/** A password or token that is never shown again. */
export function ShownOnce({ once, close }: { once: Once; close: () => void }) {
  const t = useTexts();
  return (
    <Alert
      className="secret-once"
      type="success"
      showIcon
      closable={{ onClose: close }}
      title={`${once.label} · ${t("shownOnce")}`}
      description={
        <Typography.Text code copyable={{ text: once.secret }}>
          {once.secret}
        </Typography.Text>
      }
    />
  );
}
