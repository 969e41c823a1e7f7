import { useQuery } from "@tanstack/react-query";
import { Alert, Button, Flex, Table, Typography } from "antd";
import { answer, api, type Page } from "../../api/client";
import { EmptyWithAdvice, Health, Panel, ProblemAlert, Scrolling, When } from "../../parts";
import { useTexts } from "./texts";

const ENDS = ["ticketed", "merged", "suppressed", "dead", "in_flight"] as const;
type Ends = Partial<Record<(typeof ENDS)[number], number>>;

interface Finding {
  what: string;
  count: number;
  rows: string[];
}
interface Report {
  received: number;
  ends: Ends;
  by_connection: Record<string, Ends>;
  findings: Finding[];
  clean: boolean;
}
interface Round {
  at: string;
  received: number;
  findings: Finding[];
}

/** The conservation ledger, worked out now; and what the hub's own audits found. */
export function Audit() {
  const t = useTexts();
  const { data, error, isFetching, refetch, dataUpdatedAt } = useQuery({
    queryKey: ["audit"],
    queryFn: ({ signal }) => answer<Report>(api.GET("/v1/audit", { signal })),
    staleTime: Number.POSITIVE_INFINITY,
  });
  const rows = data
    ? [
        ...Object.entries(data.by_connection).map(([connection, ends]) => ({
          connection,
          ...ends,
          received: sum(ends),
        })),
        { connection: "", ...data.ends, received: data.received },
      ]
    : [];
  return (
    <div className="admin-part">
      <Flex justify="space-between" align="center" gap="8px 16px" wrap>
        <Typography.Paragraph className="admin-intro" type="secondary">
          {t("auditIntro")}
        </Typography.Paragraph>
        <Button type="primary" loading={isFetching} onClick={() => void refetch()}>
          {t("run")}
        </Button>
      </Flex>
      {error && <ProblemAlert error={error} />}
      {data && (
        <Alert
          type={data.clean ? "success" : "error"}
          showIcon
          title={
            <>
              {data.clean ? t("clean") : t("notClean", { n: data.findings.length })}{" "}
              <When at={new Date(dataUpdatedAt).toISOString()} exact />
            </>
          }
          description={data.clean ? undefined : <Findings of={data.findings} />}
        />
      )}
      {data && (
        <Scrolling label={t("audit")}>
          <Table
            size="small"
            rowKey="connection"
            dataSource={rows}
            pagination={false}
            locale={{ emptyText: t("noMessages") }}
            columns={[
              {
                title: t("connection"),
                dataIndex: "connection",
                render: (connection: string) => connection || <b>Σ</b>,
              },
              ...["received", ...ENDS].map((name) => ({
                title: t(name as "received" | (typeof ENDS)[number]),
                dataIndex: name,
                align: "right" as const,
                render: (n: number | undefined, row: { connection: string }) =>
                  row.connection ? (n ?? 0).toLocaleString("en") : <b>{(n ?? 0).toLocaleString("en")}</b>,
              })),
            ]}
          />
        </Scrolling>
      )}
      <Rounds />
    </div>
  );
}

const sum = (ends: Ends) => Object.values(ends).reduce((total, n) => total + n, 0);

function Findings({ of }: { of: Finding[] }) {
  const t = useTexts();
  return (
    <ul>
      {of.map((finding) => (
        <li key={finding.what}>
          {finding.what}: {t("rows", { n: finding.count })} <code>{finding.rows.slice(0, 10).join(", ")}</code>
        </li>
      ))}
    </ul>
  );
}

function Rounds() {
  const t = useTexts();
  const { data, error } = useQuery({
    queryKey: ["audit", "rounds"],
    queryFn: ({ signal }) => answer<Page<Round>>(api.GET("/v1/audit/rounds", { signal })),
  });
  return (
    <Panel title={t("rounds")} flush>
      {error && <ProblemAlert error={error} />}
      {data?.items.length === 0 && <EmptyWithAdvice title={t("roundsEmpty")} />}
      {data && data.items.length > 0 && (
        <Scrolling label={t("rounds")}>
          <Table<Round>
            size="small"
            rowKey="at"
            dataSource={data.items}
            pagination={data.items.length > 10 ? { pageSize: 10, showSizeChanger: false } : false}
            columns={[
              { title: t("at"), dataIndex: "at", render: (at: string) => <When at={at} exact /> },
              {
                title: t("received"),
                dataIndex: "received",
                align: "right",
                render: (n: number) => n.toLocaleString("en"),
              },
              {
                title: t("result"),
                render: (_, round) =>
                  round.findings.length === 0 ? (
                    <Health level="good">{t("clean")}</Health>
                  ) : (
                    <>
                      <Health level="bad">{t("notClean", { n: round.findings.length })}</Health>
                      <Findings of={round.findings} />
                    </>
                  ),
              },
            ]}
          />
        </Scrolling>
      )}
    </Panel>
  );
}
