/** What would change: yesterday's messages through tomorrow's configuration. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Alert, Button, Flex, Progress, Select, Table, Tabs } from "antd";
import { useState } from "react";
import { answer, api, type Page } from "../../api/client";
import { Problem } from "../../api/problem";
import { EmptyWithAdvice, Figure, Health, Panel, PriorityTag, ProblemAlert, When } from "../../parts";
import { shown } from "./chain";
import { useDraft } from "./draft";
import { Problems } from "./problems";
import type { Job, PartProblem, Report, TicketThen } from "./shapes";
import { useTexts } from "./texts";

export default function ChangesStep() {
  const t = useTexts();
  const queries = useQueryClient();
  const { draft, flush } = useDraft();
  const [days, setDays] = useState(7);
  const [job, setJob] = useState<string | null>(null);
  const earlier = useQuery({
    queryKey: ["studio", "comparisons"],
    queryFn: () => answer<Page<Job>>(api.GET("/v1/studio/comparisons")),
  });
  const begin = useMutation({
    mutationFn: async () => {
      await flush();
      return answer<Job>(
        api.POST("/v1/studio/drafts/{draft}/comparisons", {
          params: { path: { draft: draft.id } },
          body: { days } as never,
        }),
      );
    },
    onSuccess: (made) => {
      setJob(made.id);
      void queries.invalidateQueries({ queryKey: ["studio", "comparisons"] });
    },
  });
  const parts = begin.error instanceof Problem ? (begin.error.more.parts as PartProblem[] | undefined) : undefined;
  const mine = (earlier.data?.items ?? []).filter((j) => j.title === draft.title);
  const open = job ?? mine[0]?.id ?? null;
  return (
    <div className="studio-stack">
      <Panel title={t("stepChanges")}>
        <p className="studio-muted" style={{ marginTop: 0 }}>
          {t("compareAdvice")}
        </p>
        <Flex gap={8} wrap align="center">
          <Select
            aria-label={t("days")}
            value={days}
            onChange={setDays}
            options={[1, 7, 14, 30, 90].map((n) => ({ value: n, label: `${t("days")} ${t("nDays", { n })}` }))}
            style={{ minWidth: 130 }}
          />
          <Button type="primary" loading={begin.isPending} onClick={() => begin.mutate()}>
            {t("compare")}
          </Button>
          {mine.length > 1 && (
            <Select
              aria-label={t("earlier")}
              value={open ?? undefined}
              onChange={setJob}
              style={{ minWidth: 220 }}
              options={mine.map((j) => ({
                value: j.id,
                label: `${new Date(j.asked_at).toLocaleString()} · ${t(j.state === "failed" ? "failedJob" : j.state)}`,
              }))}
            />
          )}
        </Flex>
      </Panel>
      {begin.error && (parts ? <Problems problems={parts} /> : <ProblemAlert error={begin.error} />)}
      {open && <Compared key={open} id={open} />}
    </div>
  );
}

function Compared({ id }: { id: string }) {
  const t = useTexts();
  const job = useQuery({
    queryKey: ["studio", "comparison", id],
    queryFn: () => answer<Job>(api.GET("/v1/studio/comparisons/{job}", { params: { path: { job: id } } })),
    refetchInterval: (query) => (query.state.data?.state === "running" ? 700 : false),
  });
  const cancel = useMutation({
    mutationFn: () => answer<Job>(api.POST("/v1/studio/comparisons/{job}/cancel", { params: { path: { job: id } } })),
  });
  if (job.error) return <ProblemAlert error={job.error} retry={() => void job.refetch()} />;
  if (!job.data) return null;
  const { state, done, total, report, error } = job.data;
  if (state === "failed") return <Alert type="error" showIcon title={error} />;
  if (state === "running") {
    return (
      <Panel title={t("running")}>
        <Flex gap={12} align="center">
          <Progress
            percent={total ? Math.floor((100 * done) / total) : 0}
            style={{ flex: 1 }}
            aria-label={t("running")}
          />
          <Button size="small" loading={cancel.isPending} onClick={() => cancel.mutate()}>
            {t("cancel")}
          </Button>
        </Flex>
        <span className="studio-muted" role="status">
          {t("progress", { done, total })}
        </span>
      </Panel>
    );
  }
  return report ? <Told report={report} /> : null;
}

function Told({ report }: { report: Report }) {
  const t = useTexts();
  const { tickets } = report;
  if (report.connections.length === 0 || (report.messages === 0 && Object.keys(report.read_now).length === 0)) {
    return <EmptyWithAdvice title={t("nothingAffected")} advice={t("nothingAffectedAdvice")} />;
  }
  const stopped = { time: "stoppedTime", tickets: "stoppedTickets", cancelled: "stoppedCancelled" } as const;
  const read = Object.entries(report.read_now)
    .map(([stream, r]) => `${stream}: ${r.error || r.records}`)
    .join(", ");
  const nothing = tickets.appear + tickets.vanish + tickets.change === 0;
  return (
    <>
      {report.stopped && (
        <Alert type="warning" showIcon title={t(stopped[report.stopped as keyof typeof stopped] ?? "stoppedTime")} />
      )}
      {read && <Alert type="info" showIcon title={t("readNow", { list: read })} />}
      <Panel title={nothing ? t("nothingWouldChange") : t("stepChanges")}>
        <div className="studio-figures">
          <Figure name={t("appear")} value={tickets.appear} />
          <Figure name={t("vanish")} value={tickets.vanish} tone={tickets.vanish ? "warning" : undefined} />
          <Figure name={t("change")} value={tickets.change} />
          <Figure name={t("unchanged")} value={tickets.same} />
        </div>
        <div className="studio-muted">
          {t("reportSpeed", { messages: report.messages, seconds: report.seconds, rate: report.per_second })}
          {report.window.covered_since !== report.window.since && (
            <>
              {" · "}
              {t("coveredSince")} <When at={report.window.covered_since} exact />
            </>
          )}
          {report.agreement.same + report.agreement.other > 0 && <> · {t("agreement", report.agreement)}</>}
        </div>
        <div className="studio-muted">
          {t("because")}: {report.connections.map((c) => `${c.connection} (${c.because.join(", ")})`).join("; ")}
        </div>
      </Panel>
      {!nothing && (
        <Tabs
          items={[
            { key: "change", label: `${t("change")} (${tickets.change})`, children: <Tickets items={report.change} /> },
            { key: "appear", label: `${t("appear")} (${tickets.appear})`, children: <Tickets items={report.appear} /> },
            { key: "vanish", label: `${t("vanish")} (${tickets.vanish})`, children: <Tickets items={report.vanish} /> },
          ].sort((a, b) => Number(b.label.match(/\((\d+)\)$/)?.[1]) - Number(a.label.match(/\((\d+)\)$/)?.[1]))}
        />
      )}
      {report.moves.length > 0 && (
        <Panel title={t("moves")} flush>
          <table className="studio-values">
            <tbody>
              {report.moves.map((m) => (
                <tr key={`${m.now} ${m.then}`}>
                  <th scope="row">
                    <End end={m.now} /> → <End end={m.then} />
                  </th>
                  <td>{t("messagesN", { n: m.messages })}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Panel>
      )}
    </>
  );
}

function End({ end }: { end: string | null }) {
  const t = useTexts();
  if (end === null) return <Health level="off">–</Health>;
  const words =
    { ticketed: t("ticketed"), merged: t("merged"), suppressed: t("suppressed"), dead: t("deadShort") }[end] ?? end;
  return <Health level={end === "dead" ? "bad" : end === "suppressed" ? "off" : "good"}>{words}</Health>;
}

function Tickets({ items }: { items: TicketThen[] }) {
  const t = useTexts();
  return (
    <Table<TicketThen>
      size="small"
      rowKey={(row) => `${row.opened.message} ${row.fingerprint ?? ""} ${row.title} ${row.opened_at}`}
      dataSource={items}
      pagination={items.length > 20 ? { pageSize: 20, showSizeChanger: false } : false}
      scroll={{ x: 640 }}
      columns={[
        { title: "P", width: 50, render: (_, row) => <PriorityTag priority={row.priority} /> },
        {
          title: t("ticketed"),
          render: (_, row) => (
            <>
              <div>{row.title}</div>
              {row.fields?.map((f) => (
                <div key={f.field} className="studio-mono">
                  {f.field}: <del>{shown(f.before)}</del> →{" "}
                  <ins style={{ textDecoration: "none", fontWeight: 600 }}>{shown(f.after)}</ins>
                </div>
              ))}
            </>
          ),
        },
        { title: t("when"), width: 150, render: (_, row) => <When at={row.opened_at} exact /> },
        {
          title: t("because"),
          render: (_, row) => (
            <span className="studio-muted">
              {row.opened.connection}/{row.opened.stream} · {row.opened.rule}
            </span>
          ),
        },
      ]}
    />
  );
}
