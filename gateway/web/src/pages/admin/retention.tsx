import { useQuery } from "@tanstack/react-query";
import { Table, Typography } from "antd";
import { Link } from "react-router";
import { answer, api } from "../../api/client";
import { Figure, Loading, Panel, ProblemAlert, When } from "../../parts";
import { useTexts } from "./texts";

interface Kept {
  kind: "messages" | "tickets" | "landing" | "segments";
  setting: string;
  days: number;
  before: string | null;
}
interface Retention {
  kinds: Kept[];
  held: Record<string, number>;
}
const HELD = {
  deliveries: "deliveries",
  pruned: "pruned",
  writes: "writes",
  landing: "landingRows",
  blocks: "blocks",
  segments: "sealedSegments",
  sealed_rows: "sealed_rows",
  sealed_bytes: "sealed_bytes",
} as const;

/** How long what is kept, and how much there is of it. */
export function RetentionPage() {
  const t = useTexts();
  const { data, error } = useQuery({
    queryKey: ["retention"],
    queryFn: ({ signal }) => answer<Retention>(api.GET("/v1/retention", { signal })),
  });
  return (
    <div className="admin-part">
      <Typography.Paragraph className="admin-intro" type="secondary">
        {t("retentionIntro")}
      </Typography.Paragraph>
      {error && <ProblemAlert error={error} />}
      {!data && !error && <Loading />}
      {data && (
        <>
          <Table<Kept>
            size="small"
            rowKey="kind"
            dataSource={data.kinds}
            pagination={false}
            scroll={{ x: 560 }}
            columns={[
              { title: t("kind"), dataIndex: "kind", render: (kind: Kept["kind"]) => t(kind) },
              {
                title: t("keptFor"),
                dataIndex: "days",
                render: (days: number) => <b>{days === 0 ? t("forever") : t("daysN", { n: days })}</b>,
              },
              { title: t("before"), dataIndex: "before", render: (at: string | null) => <When at={at} exact /> },
              {
                title: t("setting"),
                dataIndex: "setting",
                render: (setting: string) => (
                  <Link to={`/admin/settings?q=${setting}`}>
                    <code>{setting}</code>
                  </Link>
                ),
              },
            ]}
          />
          <Panel title={t("thereIs")}>
            <div className="key-figures">
              {Object.entries(HELD).map(([name, text]) => (
                <Figure key={name} name={t(text)} value={(data.held[name] ?? 0).toLocaleString("en")} />
              ))}
            </div>
          </Panel>
        </>
      )}
    </div>
  );
}
