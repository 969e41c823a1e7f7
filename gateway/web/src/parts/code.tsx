import { CopyOutlined } from "@ant-design/icons";
import { Button, message } from "antd";
import { useCommon } from "./texts";

/** Text of a machine: JSON (objects are laid out), YAML, a token; with a button that copies it. */
export function CodeView({ value, maxHeight = 360, label }: { value: unknown; maxHeight?: number; label?: string }) {
  const t = useCommon();
  const [toast, holder] = message.useMessage();
  const text = typeof value === "string" ? value : JSON.stringify(value, null, 2);
  return (
    <div className="code">
      {holder}
      <Button
        className="code-copy"
        size="small"
        type="text"
        icon={<CopyOutlined />}
        aria-label={t("copy")}
        onClick={() => void navigator.clipboard.writeText(text).then(() => toast.success(t("copied")))}
      />
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard */}
      <section tabIndex={0} aria-label={label ?? t("code")} style={{ maxHeight }}>
        <pre>{text}</pre>
      </section>
    </div>
  );
}
