import { Typography } from "antd";
import type { ReactNode } from "react";

/** Nothing here, why that is, and what to do to get something. */
export function EmptyWithAdvice({ title, advice, action }: { title: string; advice?: ReactNode; action?: ReactNode }) {
  return (
    <div className="empty">
      <Typography.Text strong>{title}</Typography.Text>
      {advice && <Typography.Text type="secondary">{advice}</Typography.Text>}
      {action}
    </div>
  );
}
