import { Skeleton } from "antd";

/** Where something will stand that is on its way. Without the skeleton's title: that is a heading with nothing in it. */
export function Loading({ rows = 4, className }: { rows?: number; className?: string }) {
  return <Skeleton active title={false} paragraph={{ rows }} className={className} />;
}
