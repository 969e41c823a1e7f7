import { PlusOutlined } from "@ant-design/icons";
import { Button, Flex, Table } from "antd";
import { Link, useNavigate } from "react-router";
import { EmptyWithAdvice, Health, Page, ProblemAlert } from "../../parts";
import { useConnections } from "./calls";
import type { Connection } from "./shapes";
import { useTexts } from "./texts";

export function ConnectionState({ connection }: { connection: Connection }) {
  const t = useTexts();
  const { state } = connection;
  if (connection.enabled === false) return <Health level="off">{t("disabled")}</Health>;
  if (state.broken) return <Health level="bad">{t("broken")}</Health>;
  const status = state.status ?? "unknown";
  const level = status === "ok" ? "good" : status === "unknown" ? "off" : status === "failing" ? "warning" : "bad";
  return <Health level={level}>{t(status)}</Health>;
}

export function Connections() {
  const t = useTexts();
  const navigate = useNavigate();
  const { data, error, isLoading, refetch } = useConnections();
  const items = data?.items ?? [];
  return (
    <Page
      title={t("connections")}
      actions={
        <>
          <Button onClick={() => void navigate("/studio/drafts?new=rules")}>{t("writeRules")}</Button>
          <Button type="primary" icon={<PlusOutlined />} onClick={() => void navigate("/studio/catalogue")}>
            {t("add")}
          </Button>
        </>
      }
      wide
    >
      {error && <ProblemAlert error={error} retry={() => void refetch()} />}
      {data && items.length === 0 ? (
        <EmptyWithAdvice
          title={t("noConnections")}
          advice={t("noConnectionsAdvice")}
          action={
            <Button type="primary" onClick={() => void navigate("/studio/catalogue")}>
              {t("openCatalogue")}
            </Button>
          }
        />
      ) : (
        <Table<Connection>
          size="small"
          rowKey="id"
          loading={isLoading}
          dataSource={items}
          pagination={items.length > 50 ? { pageSize: 50 } : false}
          scroll={{ x: 560 }}
          columns={[
            {
              title: t("connection"),
              dataIndex: "id",
              render: (_, c) => (
                <Flex vertical>
                  <Link to={`/studio/connections/${c.id}`}>{c.title || c.id}</Link>
                  {c.title && <span className="studio-mono studio-muted">{c.id}</span>}
                </Flex>
              ),
            },
            {
              title: t("system"),
              dataIndex: "connector",
              render: (v: string) => <span className="studio-mono">{v}</span>,
            },
            { title: t("state"), render: (_, c) => <ConnectionState connection={c} /> },
            {
              title: t("reason"),
              render: (_, c) => <span className="studio-muted">{c.state.broken || c.state.reason || "–"}</span>,
            },
          ]}
        />
      )}
    </Page>
  );
}
