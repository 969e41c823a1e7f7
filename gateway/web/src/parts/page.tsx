import { Flex, Typography } from "antd";
import type { ReactNode } from "react";
import { useTitle } from "../session";

interface PageProps {
  title: string;
  /** Beside the title: state, count, what it is about. */
  aside?: ReactNode;
  /** At the right: the page's buttons. */
  actions?: ReactNode;
  /** As wide as the window, for tables and graphs; else lines stay readable. */
  wide?: boolean;
  children: ReactNode;
}

/** A page with its heading. Every page stands in one. */
export function Page({ title, aside, actions, wide = false, children }: PageProps) {
  useTitle(title);
  return (
    <div className="page" style={{ maxWidth: wide ? undefined : 1360 }}>
      <Flex className="page-head" justify="space-between" align="center" gap="8px 16px" wrap>
        <Flex align="center" gap="8px 12px" wrap>
          <Typography.Title level={1} className="page-title">
            {title}
          </Typography.Title>
          {aside}
        </Flex>
        {actions && (
          <Flex gap={8} wrap>
            {actions}
          </Flex>
        )}
      </Flex>
      {children}
    </div>
  );
}
