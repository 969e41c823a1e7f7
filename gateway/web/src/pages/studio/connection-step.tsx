import Form, { Widgets } from "@rjsf/antd";
import type { FieldProps, RJSFSchema, WidgetProps } from "@rjsf/utils";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Alert, Form as AntForm, Button, Drawer, Flex, Grid, Input, Segmented, Select, Spin, Switch } from "antd";
import { type ComponentType, useMemo, useState } from "react";
import { useNavigate, useParams } from "react-router";
import { answer, api } from "../../api/client";
import { Problem } from "../../api/problem";
import { useLanguage } from "../../i18n";
import { EmptyWithAdvice, Health as HealthMark, Panel, ProblemAlert } from "../../parts";
import { useConnections, useConnectors, useStreams } from "./calls";
import { useDraft, withConnection } from "./draft";
import { errorsOf, hubValidates, plainSchema, uiOf } from "./form-schema";
import { SampleView, useSamples } from "./samples";
import type { ConnectionSpec, Connector, Health, PartProblem, Stream } from "./shapes";
import { useTexts } from "./texts";

const ID = /^[a-z0-9][a-z0-9_.-]{0,63}$/;
/** A field that waits behind the switch: it keeps its place in the data and shows nothing. */
const fields = { StudioHidden: (_: FieldProps) => null };
const widgets = { SelectWidget: Choice };

/** A choice among values, by the words there are for them. */
function Choice(props: WidgetProps) {
  const words = (props.schema.choices ?? (props.schema.items as RJSFSchema | undefined)?.choices ?? {}) as Record<
    string,
    string
  >;
  const named = props.options.enumOptions?.map((o) => ({ ...o, label: words[String(o.value)] ?? o.label }));
  const Select = Widgets.SelectWidget as ComponentType<WidgetProps>;
  const standard = props.placeholder && (words[props.placeholder] ?? props.placeholder);
  return <Select {...props} placeholder={standard} options={{ ...props.options, enumOptions: named }} />;
}

export default function ConnectionStep() {
  const t = useTexts();
  const navigate = useNavigate();
  const { connection: wanted } = useParams();
  const { draft, body } = useDraft();
  const spec = body.connections.find((c) => c.id === wanted) ?? body.connections[0];
  const connectors = useConnectors();
  const kind = connectors.data?.items.find((c) => c.name === spec?.connector);
  const goTo = (id: string) => navigate(`/studio/drafts/${draft.id}/connection/${id}`, { replace: true });
  if (!spec) {
    return (
      <EmptyWithAdvice
        title={t("nothingToPublish")}
        advice={t("noConnectionsAdvice")}
        action={<Button onClick={() => void navigate("/studio/catalogue")}>{t("openCatalogue")}</Button>}
      />
    );
  }
  if (connectors.error) return <ProblemAlert error={connectors.error} retry={() => void connectors.refetch()} />;
  if (!kind) return <Spin delay={200} className="waiting" />;
  return (
    <>
      {body.connections.length > 1 && (
        <Select
          aria-label={t("connection")}
          style={{ minWidth: 220, marginBottom: 12 }}
          value={spec.id}
          options={body.connections.map((c) => ({ value: c.id, label: c.title ? `${c.title} (${c.id})` : c.id }))}
          onChange={(id) => void goTo(id)}
        />
      )}
      <Connecting key={spec.connector} spec={spec} kind={kind} renamed={(id) => void goTo(id)} />
    </>
  );
}

function Connecting({ spec, kind, renamed }: { spec: ConnectionSpec; kind: Connector; renamed: (id: string) => void }) {
  const t = useTexts();
  const queries = useQueryClient();
  const { draft, change, flush } = useDraft();
  const check = useMutation({
    mutationFn: async () => {
      await flush();
      return answer<Health>(
        api.POST("/v1/studio/drafts/{draft}/connections/{connection}/check", {
          params: { path: { draft: draft.id, connection: spec.id } },
        }),
      );
    },
    onSuccess: () => void queries.invalidateQueries({ queryKey: ["studio", "streams", draft.id] }),
  });
  const problems = check.error instanceof Problem ? ((check.error.more.parts as PartProblem[] | undefined) ?? []) : [];
  return (
    <div className="studio-columns">
      <Panel title={t("connection")}>
        <Settings
          spec={spec}
          kind={kind}
          problems={problems}
          onChange={(next) => {
            if (check.data || check.error) check.reset();
            change((body) => withConnection(body, spec.id, () => next));
            if (next.id !== spec.id) renamed(next.id);
          }}
        />
        <Button type="primary" loading={check.isPending} onClick={() => check.mutate()}>
          {check.isPending ? t("testing") : t("test")}
        </Button>
      </Panel>
      <div className="studio-stack">
        {check.error && <ProblemAlert error={check.error} />}
        {check.data && <Checked health={check.data} />}
        <Streams connection={spec} enabled={check.data?.ok === true} />
      </div>
    </div>
  );
}

function Settings(props: {
  spec: ConnectionSpec;
  kind: Connector;
  problems: PartProblem[];
  onChange: (spec: ConnectionSpec) => void;
}) {
  const { spec, kind, problems, onChange } = props;
  const t = useTexts();
  const { draft } = useDraft();
  const [language] = useLanguage();
  const connections = useConnections();
  const [id, setId] = useState(spec.id);
  const [all, setAll] = useState(false);
  const [values, setValues] = useState<Record<string, unknown>>(() => withoutHidden(spec.config, kind.secrets));
  const schema = useMemo<RJSFSchema>(() => {
    const { title: _title, description: _description, ...rest } = plainSchema(kind.config_schema, language);
    return rest;
  }, [kind, language]);
  const hidden = draft.body.connections.find((c) => c.id === spec.id)?.config ?? spec.config;
  const ui = useMemo(
    () =>
      uiOf(schema, kind.secrets, all, (path) => hidden[path] === "********", {
        kept: t("secretKept"),
        help: t("secretHelp"),
      }),
    [schema, kind.secrets, all, hidden, t],
  );
  const running = connections.data?.items.some((c) => c.id === spec.id && c.connector === spec.connector);
  const taken = id !== spec.id && connections.data?.items.some((c) => c.id === id);
  const idProblem = taken ? t("idTaken") : ID.test(id) ? undefined : t("idBad");
  return (
    <>
      <AntForm layout="vertical">
        <Flex gap="0 12px" wrap>
          <AntForm.Item
            label={t("connectionId")}
            htmlFor="studio-connection-id"
            validateStatus={idProblem ? "error" : undefined}
            help={idProblem ?? t("connectionIdHelp")}
            style={{ flex: "1 1 200px", marginBottom: 12 }}
          >
            <Input
              id="studio-connection-id"
              className="studio-mono"
              value={id}
              disabled={running}
              onChange={(event) => setId(event.target.value)}
              onBlur={() => {
                if (id !== spec.id && !idProblem) onChange({ ...spec, id });
              }}
            />
          </AntForm.Item>
          <AntForm.Item
            label={t("connectionTitle")}
            htmlFor="studio-connection-title"
            style={{ flex: "1 1 200px", marginBottom: 12 }}
          >
            <Input
              id="studio-connection-title"
              value={spec.title ?? ""}
              onChange={(event) => onChange({ ...spec, title: event.target.value })}
            />
          </AntForm.Item>
        </Flex>
      </AntForm>
      <Form
        className="studio-form"
        idPrefix="config"
        schema={schema}
        uiSchema={ui}
        fields={fields}
        widgets={widgets}
        formData={values}
        validator={hubValidates}
        extraErrors={errorsOf(problems)}
        showErrorList={false}
        noHtml5Validate
        experimental_defaultFormStateBehavior={{ emptyObjectFields: "skipDefaults" }}
        onChange={({ formData }) => {
          const given = (formData ?? {}) as Record<string, unknown>;
          setValues(given);
          onChange({ ...spec, config: written(given, hidden, kind.secrets) });
        }}
      >
        <span />
      </Form>
      <Flex gap={8} align="center" style={{ margin: "4px 0 14px" }}>
        <Switch size="small" id="studio-all" checked={all} onChange={setAll} aria-label={t("allSettings")} />
        <label htmlFor="studio-all">{t("allSettings")}</label>
      </Flex>
    </>
  );
}

/** What the form shows: a secret that is kept is an empty field. */
function withoutHidden(config: Record<string, unknown>, secrets: string[]): Record<string, unknown> {
  const shown = structuredClone(config);
  for (const path of secrets) if (shown[path] === "********") delete shown[path];
  return shown;
}

/** What is saved: nothing where a field is empty, `********` where a secret was kept and nothing else was written. */
function written(
  given: Record<string, unknown>,
  kept: Record<string, unknown>,
  secrets: string[],
): Record<string, unknown> {
  const made = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined && value !== ""));
  for (const path of secrets) if (made[path] === undefined && kept[path] === "********") made[path] = "********";
  return made;
}

function Checked({ health }: { health: Health }) {
  const t = useTexts();
  const title = `${health.ok ? t("works") : t("worksNot")}${health.remote_version ? ` · ${health.remote_version}` : ""}`;
  return (
    <Alert
      type={health.ok ? (health.missing_rights.length ? "warning" : "success") : "error"}
      showIcon
      title={title}
      description={
        <>
          {health.message && <div>{health.message}</div>}
          {health.ok && health.missing_rights.length === 0 && <div>{t("rightsComplete")}</div>}
          {health.missing_rights.length > 0 && (
            <>
              <strong>{t("rightsMissing")}</strong>
              <ul style={{ margin: 0, paddingInlineStart: 18 }}>
                {health.missing_rights.map((right) => (
                  <li key={`${right.right} ${right.needed_for}`}>
                    <code>{right.right}</code> · {right.needed_for}
                    <div className="studio-muted">
                      {t("grantAt")}: {right.grant_at}
                    </div>
                  </li>
                ))}
              </ul>
            </>
          )}
        </>
      }
    />
  );
}

function Streams({ connection, enabled }: { connection: ConnectionSpec; enabled: boolean }) {
  const t = useTexts();
  const { draft } = useDraft();
  const connections = useConnections();
  const running = connections.data?.items.some((c) => c.id === connection.id && !c.state.broken) ?? false;
  const streams = useStreams(draft.id, connection.id, enabled || running);
  const [open, setOpen] = useState<Stream | null>(null);
  return (
    <Panel title={t("streams")} flush>
      {streams.error && <ProblemAlert error={streams.error} retry={() => void streams.refetch()} />}
      {!streams.data && !streams.isFetching && <EmptyWithAdvice title={t("streams")} advice={t("streamsAdvice")} />}
      {streams.isFetching && !streams.data && <Spin className="waiting" />}
      {streams.data && (
        <table className="studio-values">
          <tbody>
            {streams.data.items.map((s) => (
              <tr key={s.name}>
                <th scope="row">
                  <span className="studio-mono">{s.name}</span>
                </th>
                <td style={{ fontFamily: "inherit" }}>
                  {s.becomes ? (
                    <HealthMark level="good">{s.becomes}</HealthMark>
                  ) : (
                    <HealthMark level="off">{t("notMapped")}</HealthMark>
                  )}
                  {!s.reads && <span className="studio-muted"> · {t("pushed")}</span>}
                </td>
                <td style={{ textAlign: "end", fontFamily: "inherit" }}>
                  <button type="button" onClick={() => setOpen(s)} aria-label={t("samples", { stream: s.name })}>
                    {t("sample")}
                  </button>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {open && <StreamSamples connection={connection.id} stream={open} close={() => setOpen(null)} />}
    </Panel>
  );
}

function StreamSamples({ connection, stream, close }: { connection: string; stream: Stream; close: () => void }) {
  const t = useTexts();
  const navigate = useNavigate();
  const { draft } = useDraft();
  const wide = Grid.useBreakpoint().md;
  const [source, setSource] = useState<"live" | "recorded" | "dead">(stream.reads ? "live" : "recorded");
  const samples = useSamples(draft.id, connection, stream.name, source);
  return (
    <Drawer
      open
      size={wide ? 560 : "100%"}
      title={t("samples", { stream: stream.name })}
      onClose={close}
      extra={
        <Button
          type="primary"
          onClick={() =>
            void navigate(
              `/studio/drafts/${draft.id}/mappings?connection=${encodeURIComponent(connection)}&stream=${encodeURIComponent(stream.name)}`,
            )
          }
        >
          {stream.mapping ? t("changeMapping") : t("writeMapping")}
        </Button>
      }
    >
      <Segmented
        aria-label={t("sample")}
        value={source}
        onChange={setSource}
        style={{ marginBottom: 12 }}
        options={[
          ...(stream.reads ? [{ value: "live" as const, label: t("sampleLive") }] : []),
          { value: "recorded" as const, label: t("sampleRecorded") },
          { value: "dead" as const, label: t("sampleDead") },
        ]}
      />
      <SampleView samples={samples} />
    </Drawer>
  );
}
