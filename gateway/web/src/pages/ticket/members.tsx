import { Table } from "antd";
import { Health, When } from "../../parts";
import type { Member } from "../../tickets/types";
import { useTexts } from "./texts";

/** The alerts that a storm holds. */
export function Members({ members }: { members: Member[] }) {
  const t = useTexts();
  return (
    <Table
      size="small"
      rowKey="signal"
      dataSource={members}
      pagination={{ pageSize: 50, hideOnSinglePage: true }}
      scroll={{ x: "max-content" }}
      columns={[
        { title: t("memberTitle"), dataIndex: "title", ellipsis: true },
        { title: t("signal"), dataIndex: "signal", ellipsis: true, className: "quiet" },
        {
          title: t("observed"),
          render: (_, member: Member) => (
            <Health level={member.resolved_at ? "good" : "bad"}>
              {t(member.resolved_at ? "recovered" : "firing")}
            </Health>
          ),
        },
        { title: t("since"), render: (_, member: Member) => <When at={member.at} /> },
        { title: t("until"), render: (_, member: Member) => <When at={member.resolved_at} /> },
      ]}
    />
  );
}
