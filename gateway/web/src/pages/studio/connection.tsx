import { EditOutlined } from "@ant-design/icons";
import { useMutation, useQuery } from "@tanstack/react-query";
import { Alert, Button, Segmented, Switch, Typography } from "antd";
import { useState } from "react";
import { Link, useNavigate, useParams } from "react-router";
import { answer, api } from "../../api/client";
import { EmptyWithAdvice, Figure, Health, Page, Panel, ProblemAlert, When } from "../../parts";
import { Bars } from "./bars";
import { ConnectionState } from "./connections";
import { beginDraft } from "./draft";
import type { Connection, ConnectionSpec, Span, Telemetry } from "./shapes";
import { useTexts } from "./texts";

const HOURS = [
  [1, "h1"],
  [6, "h6"],
  [24, "h24"],
  [168, "d7"],
  [720, "d30"],
] as const;
const BLUE = "#2f8fa8";
const RED = "#cf4a43";
const GREY = "#8a949b";

/** The spans of the whole time, also those in which nothing happened. */
function filled(told: Telemetry): Span[] {
  const known = new Map(told.spans.map((s) => [Date.parse(s.at), s]));
  const found: Span[] = [];
  const step = told.span_s * 1000;
  for (let at = Date.parse(told.since); at < Date.parse(told.until); at += step) {
    found.push(
      known.get(at) ?? {
        at: new Date(at).toISOString(),
        calls: 0,
        failures: 0,
        received: 0,
        read: 0,
        dead: 0,
        mean_ms: null,
        p50_ms: null,
        p95_ms: null,
      },
    );
  }
  return found;
}

export default function ConnectionPage() {
  const t = useTexts();
  const navigate = useNavigate();
  const { connection: id = "" } = useParams();
  const [hours, setHours] = useState(24);
  const [table, setTable] = useState(false);
  const connection = useQuery({
    queryKey: ["connection", id],
    queryFn: () =>
      answer<Connection>(api.GET("/v1/connections/{connection}", { params: { path: { connection: id } } })),
    refetchInterval: 15_000,
  });
  const telemetry = useQuery({
    queryKey: ["connection", id, "telemetry", hours],
    queryFn: () =>
      answer<Telemetry>(
        api.GET("/v1/connections/{connection}/telemetry", { params: { path: { connection: id }, query: { hours } } }),
      ),
    refetchInterval: 15_000,
    placeholderData: (before) => before,
  });
  const edit = useMutation({
    mutationFn: async () => {
      if (!connection.data) return;
      const { state: _, ...spec } = connection.data;
      const draft = await beginDraft(t("editTitle", { name: spec.title || id }), {
        connections: [spec as ConnectionSpec],
      });
      await navigate(`/studio/drafts/${draft.id}/connection/${id}`);
    },
  });
  if (connection.error) {
    return (
      <Page title={id}>
        <ProblemAlert error={connection.error} retry={() => void connection.refetch()} />
      </Page>
    );
  }
  const told = telemetry.data;
  const spans = told ? filled(told) : [];
  const sum = (name: "calls" | "failures" | "received" | "read" | "dead") => spans.reduce((all, s) => all + s[name], 0);
  const times = spans.map((s) => s.at);
  const slow = spans.findLast((s) => s.p95_ms !== null);
  const spec = connection.data;
  return (
    <Page
      title={spec?.title || id}
      aside={spec && <ConnectionState connection={spec} />}
      actions={
        <Button icon={<EditOutlined />} loading={edit.isPending} onClick={() => edit.mutate()} disabled={!spec}>
          {t("edit")}
        </Button>
      }
      wide
    >
      {edit.error && <ProblemAlert error={edit.error} />}
      {telemetry.error && <ProblemAlert error={telemetry.error} retry={() => void telemetry.refetch()} />}
      {spec?.state.broken && (
        <Alert type="error" showIcon title={t("broken")} description={spec.state.broken} style={{ marginBottom: 12 }} />
      )}
      {spec?.state.reason && !spec.state.broken && (
        <Alert type="warning" showIcon title={spec.state.reason} style={{ marginBottom: 12 }} />
      )}
      {spec?.state.inbound_url && (
        <p style={{ marginTop: 0 }}>
          {t("inboundUrl")}:{" "}
          <Typography.Text copyable className="studio-mono">
            {spec.state.inbound_url}
          </Typography.Text>
        </p>
      )}
      <div style={{ display: "flex", gap: 12, alignItems: "center", flexWrap: "wrap", marginBottom: 12 }}>
        <Segmented
          aria-label={t("lastHours")}
          value={hours}
          onChange={setHours}
          options={HOURS.map(([value, name]) => ({ value, label: t(name) }))}
        />
        <span style={{ display: "inline-flex", gap: 6, alignItems: "center" }}>
          <Switch size="small" id="studio-table" checked={table} onChange={setTable} aria-label={t("asTable")} />
          <label htmlFor="studio-table">{t("asTable")}</label>
        </span>
      </div>
      {told && (
        <div className="studio-stack">
          <Panel title={t("health")}>
            <div className="studio-figures">
              <Figure name={t("received")} value={sum("received")} />
              <Figure name={t("readRecords")} value={sum("read")} />
              <Figure name={t("calls")} value={sum("calls")} />
              <Figure name={t("failures")} value={sum("failures")} tone={sum("failures") ? "bad" : undefined} />
              <Figure name={t("p95")} value={slow ? t("ms", { n: slow.p95_ms ?? 0 }) : "–"} />
              <Figure
                name={t("deadLetters")}
                value={told.dead_letters}
                tone={told.dead_letters ? "warning" : undefined}
                to={`/studio/dead-letters?connection=${encodeURIComponent(id)}`}
              />
            </div>
            {told.health && (
              <div className="studio-muted">
                <Health level={told.health.ok ? "good" : "bad"}>{told.health.ok ? t("ok") : told.health.reason}</Health>{" "}
                · <When at={told.health.since} />
              </div>
            )}
          </Panel>
          {table ? (
            <Panel title={t("rate")} flush>
              {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard */}
              <div tabIndex={0} style={{ overflow: "auto", maxHeight: 480 }}>
                <table className="studio-values studio-numbers">
                  <thead>
                    <tr>
                      {(
                        [
                          "dateTime",
                          "received",
                          "readRecords",
                          "deadLetters",
                          "calls",
                          "failures",
                          "p50",
                          "p95",
                        ] as const
                      ).map((name) => (
                        <th key={name} scope="col">
                          {t(name)}
                        </th>
                      ))}
                    </tr>
                  </thead>
                  <tbody>
                    {told.spans.toReversed().map((s) => (
                      <tr key={s.at}>
                        <th scope="row">
                          <When at={s.at} exact />
                        </th>
                        {[s.received, s.read, s.dead, s.calls, s.failures, s.p50_ms, s.p95_ms].map((n, column) => (
                          // biome-ignore lint/suspicious/noArrayIndexKey: columns have an order and no name
                          <td key={column}>{n ?? "–"}</td>
                        ))}
                      </tr>
                    ))}
                  </tbody>
                </table>
                {told.spans.length === 0 && <EmptyWithAdvice title={t("noData")} />}
              </div>
            </Panel>
          ) : (
            <div className="studio-columns" style={{ gridTemplateColumns: undefined }}>
              <Panel title={t("rate")}>
                {sum("received") + sum("read") === 0 ? (
                  <EmptyWithAdvice title={t("noData")} />
                ) : (
                  <Bars
                    label={`${t("rate")}: ${t("received")} ${sum("received")}, ${t("readRecords")} ${sum("read")}, ${t("deadLetters")} ${sum("dead")}`}
                    times={times}
                    series={[
                      { name: t("received"), colour: BLUE, values: spans.map((s) => s.received - s.dead) },
                      { name: t("readRecords"), colour: GREY, values: spans.map((s) => s.read) },
                      { name: t("deadLetters"), colour: RED, values: spans.map((s) => s.dead) },
                    ]}
                  />
                )}
              </Panel>
              <Panel title={`${t("calls")} · ${t("latency")}`}>
                {sum("calls") === 0 ? (
                  <EmptyWithAdvice title={t("noCalls")} />
                ) : (
                  <>
                    <Bars
                      label={`${t("calls")} ${sum("calls")}, ${t("failures")} ${sum("failures")}`}
                      times={times}
                      series={[
                        { name: t("calls"), colour: BLUE, values: spans.map((s) => s.calls - s.failures) },
                        { name: t("failures"), colour: RED, values: spans.map((s) => s.failures) },
                      ]}
                    />
                    <Bars
                      line
                      unit="ms"
                      label={t("latency")}
                      times={times}
                      series={[
                        { name: t("p50"), colour: BLUE, values: spans.map((s) => s.p50_ms) },
                        { name: t("p95"), colour: GREY, values: spans.map((s) => s.p95_ms) },
                      ]}
                    />
                  </>
                )}
              </Panel>
            </div>
          )}
          <Panel title={t("drift")} flush>
            {told.shape.length === 0 ? (
              <EmptyWithAdvice title={t("noDrift")} advice={t("noDriftAdvice")} />
            ) : (
              <table className="studio-values">
                <tbody>
                  {told.shape.map((d) => (
                    <tr key={`${d.at} ${d.stream} ${d.kind} ${d.path}`}>
                      <th scope="row">
                        <When at={d.at} />
                      </th>
                      <td>
                        {d.stream} · {d.path}{" "}
                        <span className="studio-muted">
                          {t(d.kind === "new" ? "driftNew" : d.kind === "gone" ? "driftGone" : "driftType")}{" "}
                          {d.kind === "type" ? `${d.was} → ${d.now}` : d.kind === "new" ? d.now : d.was}
                        </span>
                      </td>
                      <td style={{ fontFamily: "inherit" }}>
                        {d.concerns.length > 0 ? (
                          <Health level="warning">{t("concerns", { fields: d.concerns.join(", ") })}</Health>
                        ) : (
                          <span className="studio-muted">{t("concernsNothing")}</span>
                        )}
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            )}
          </Panel>
          {told.syncs.length > 0 && (
            <Panel title={t("syncs")} flush>
              <table className="studio-values">
                <tbody>
                  {told.syncs.map((s) => (
                    <tr key={s.stream}>
                      <th scope="row" className="studio-mono">
                        {s.stream}
                      </th>
                      <td style={{ fontFamily: "inherit" }}>
                        <When at={s.finished_at} />{" "}
                        {s.held !== null && (
                          <span className="studio-muted">
                            · {t("held")} {s.held}
                          </span>
                        )}
                        {s.error && <div className="studio-bad">{s.error}</div>}
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </Panel>
          )}
        </div>
      )}
      <p>
        <Link to="/studio">{t("connections")}</Link>
      </p>
    </Page>
  );
}
