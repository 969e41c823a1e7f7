/** What depends on a value: what the configuration predicts, and what was done. */
import { Table, Typography } from "antd";
import { Link } from "react-router";
import { Loading, Panel, ProblemAlert, When } from "../../parts";
import { nodeLink } from "./address";
import { useTexts } from "./texts";
import type { DoneEffect, Impact, Predicted } from "./types";

export function Downstream({ impact, error }: { impact: Impact | undefined; error: unknown }) {
  const t = useTexts();
  if (error) return <ProblemAlert error={error} />;
  if (!impact) return <Loading />;
  const consumers = impact.predicted.filter((p) => p.subtype !== "PART");
  return (
    <div className="two">
      <Panel title={t("done")} flush>
        <Table<DoneEffect>
          size="small"
          rowKey={(done) => `${done.rule} ${done.dataset} ${done.key}`}
          dataSource={impact.done}
          pagination={false}
          locale={{ emptyText: <Typography.Text type="secondary">{t("noDone")}</Typography.Text> }}
          columns={[
            {
              title: t("consumer"),
              render: (_, done) => (
                <>
                  {done.dataset} <code>{done.key}</code>
                </>
              ),
            },
            { title: t("via"), dataIndex: "rule" },
            { title: t("state"), dataIndex: "state" },
            { title: t("when"), render: (_, done) => <When at={done.at} /> },
          ]}
        />
      </Panel>
      <Panel
        title={t("predicted")}
        extra={<Typography.Text type="secondary">{t("downstreamAdvice")}</Typography.Text>}
        flush
      >
        <Table<Predicted>
          size="small"
          rowKey={(p) => `${p.via} ${p.dataset} ${p.field} ${p.subtype} ${p.source.dataset} ${p.source.field}`}
          dataSource={consumers}
          pagination={consumers.length > 12 ? { pageSize: 12, showSizeChanger: false, size: "small" } : false}
          locale={{ emptyText: <Typography.Text type="secondary">{t("noPredicted")}</Typography.Text> }}
          columns={[
            {
              title: t("consumer"),
              render: (_, p) => (
                <Link to={nodeLink(p)}>
                  {p.dataset} {p.field ?? t("whole")}
                </Link>
              ),
            },
            { title: t("via"), dataIndex: "via" },
            { title: t("kind"), render: (_, p) => <KindName subtype={p.subtype} /> },
          ]}
        />
      </Panel>
    </div>
  );
}

const KNOWN = new Set(["IDENTITY", "TRANSFORMATION", "AGGREGATION", "CONDITIONAL", "FILTER", "GROUP_BY", "DONE"]);

export function KindName({ subtype }: { subtype: string }) {
  const t = useTexts();
  return <>{KNOWN.has(subtype) ? t(subtype as "IDENTITY") : subtype}</>;
}
