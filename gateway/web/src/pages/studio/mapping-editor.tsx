/** Sample at the left, expressions in the middle, result and where each value comes from at the right. */
import { useQuery } from "@tanstack/react-query";
import { App, Button, Flex, Grid, Popconfirm, Segmented } from "antd";
import { useDeferredValue, useEffect, useMemo, useState } from "react";
import { Link, useNavigate, useParams } from "react-router";
import { answer, api } from "../../api/client";
import { EmptyWithAdvice, Health, ProblemAlert } from "../../parts";
import { useLanguageOfMappings, useStreams } from "./calls";
import { Chain, shown } from "./chain";
import { mappingCompletion } from "./completion";
import { useDraft } from "./draft";
import { Editor } from "./editor";
import { SampleTurner, type Source, useSamples } from "./samples";
import type { Tried } from "./shapes";
import { useTexts } from "./texts";

const QUIET_MS = 250;

function useQuiet<V>(value: V): V {
  const [quiet, setQuiet] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setQuiet(value), QUIET_MS);
    return () => clearTimeout(timer);
  }, [value]);
  return useDeferredValue(quiet);
}

export default function MappingEditor() {
  const t = useTexts();
  const { mapping: name = "" } = useParams();
  const { draft, body } = useDraft();
  if (!(name in body.mappings)) {
    return (
      <EmptyWithAdvice
        title={t("noMappings")}
        advice={t("noMappingsAdvice")}
        action={<Link to={`/studio/drafts/${draft.id}/mappings`}>{t("startMapping")}</Link>}
      />
    );
  }
  return <Bench key={name} name={name} />;
}

function Bench({ name }: { name: string }) {
  const t = useTexts();
  const wide = Grid.useBreakpoint().lg ?? true;
  const { draft, body, change } = useDraft();
  const language = useLanguageOfMappings();
  const text = body.mappings[name] ?? "";
  const use = body.connections.flatMap((c) =>
    Object.entries(c.mappings ?? {})
      .filter(([, m]) => m === name)
      .map(([stream]) => ({ connection: c.id, stream })),
  )[0];
  const [sample, setSample] = useState("");
  const [pane, setPane] = useState<"sample" | "mapping" | "result">("mapping");
  const [goTo, setGoTo] = useState<{ line: number } | null>(null);
  const asked = useQuiet(useMemo(() => ({ text, sample: sample || "{}" }), [text, sample]));
  const tried = useQuery({
    queryKey: ["studio", "try", asked],
    queryFn: () => answer<Tried>(api.POST("/v1/studio/mappings/try", { body: asked })),
    placeholderData: (before) => before,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 30_000,
  });
  const target = tried.data?.mapping?.target ?? /^to:\s*(\w+)/m.exec(text)?.[1] ?? "";
  const complete = useMemo(
    () => mappingCompletion(language.data, tried.data, target),
    [language.data, tried.data, target],
  );
  const problems = useMemo(() => tried.data?.problems ?? [], [tried.data]);
  const write = (next: string) => change((now) => ({ ...now, mappings: { ...now.mappings, [name]: next } }));

  const panes = {
    sample: <SamplePane use={use} sample={sample} onChange={setSample} tried={tried.data} />,
    mapping: (
      <section className="studio-pane" aria-label={t("mapping")}>
        <MappingHead
          name={name}
          problems={problems.length}
          text={text}
          sample={sample}
          write={write}
          tried={tried.data}
        />
        <div className="studio-pane-body">
          <Editor
            value={text}
            onChange={write}
            label={t("mapping")}
            problems={problems}
            complete={complete}
            goTo={goTo}
          />
        </div>
      </section>
    ),
    result: (
      <ResultPane
        tried={tried.data}
        error={tried.error}
        goTo={(line) => {
          setPane("mapping");
          setGoTo({ line });
        }}
      />
    ),
  };
  return (
    <>
      <Flex style={{ marginBottom: 8 }} gap={8} align="center">
        <Link to={`/studio/drafts/${draft.id}/mappings`}>{t("mappings")}</Link>
        <span className="studio-muted">/</span>
        <span className="studio-mono">{name}</span>
      </Flex>
      {!wide && (
        <Segmented
          block
          aria-label={t("mapping")}
          style={{ marginBottom: 8 }}
          value={pane}
          onChange={setPane}
          options={[
            { value: "sample", label: t("sample") },
            { value: "mapping", label: problems.length ? `${t("mapping")} (${problems.length})` : t("mapping") },
            { value: "result", label: t("result") },
          ]}
        />
      )}
      <div className="studio-bench">
        {wide ? (
          <>
            {panes.sample}
            {panes.mapping}
            {panes.result}
          </>
        ) : (
          panes[pane]
        )}
      </div>
    </>
  );
}

function MappingHead(props: {
  name: string;
  text: string;
  sample: string;
  problems: number;
  tried: Tried | undefined;
  write: (text: string) => void;
}) {
  const t = useTexts();
  const { message } = App.useApp();
  const navigate = useNavigate();
  const { draft, change } = useDraft();
  const mapped = props.tried?.result?.end === "mapped";
  const test = async () => {
    try {
      const made = await answer<{ text: string }>(
        api.POST("/v1/studio/mappings/test", { body: { text: props.text, sample: props.sample } }),
      );
      props.write(made.text);
    } catch (error) {
      message.error(error instanceof Error ? error.message : String(error));
    }
  };
  const remove = async () => {
    change((body) => {
      const { [props.name]: _, ...rest } = body.mappings;
      const connections = body.connections.map((c) => ({
        ...c,
        mappings: Object.fromEntries(Object.entries(c.mappings ?? {}).filter(([, used]) => used !== props.name)),
      }));
      return { ...body, mappings: rest, connections };
    });
    await navigate(`/studio/drafts/${draft.id}/mappings`);
  };
  return (
    <header className="studio-pane-head">
      <h2>{t("mapping")}</h2>
      {props.problems ? (
        <Health level="bad">{t("problems", { n: props.problems })}</Health>
      ) : (
        <Health level="good">{t("noProblems")}</Health>
      )}
      <Button size="small" onClick={() => void test()} disabled={!mapped}>
        {t("addTest")}
      </Button>
      <Popconfirm title={`${t("removeMapping")}?`} onConfirm={() => void remove()}>
        <Button size="small" type="text">
          {t("removeMapping")}
        </Button>
      </Popconfirm>
    </header>
  );
}

function SamplePane(props: {
  use: { connection: string; stream: string } | undefined;
  sample: string;
  onChange: (text: string) => void;
  tried: Tried | undefined;
}) {
  const t = useTexts();
  const { draft } = useDraft();
  const [source, setSource] = useState<Source>("live");
  const [at, setAt] = useState(0);
  const connection = props.use?.connection ?? "";
  const stream = props.use?.stream ?? "";
  const streams = useStreams(draft.id, connection, true);
  const reads = streams.data?.items.find((s) => s.name === stream)?.reads;
  const from = reads === false && source === "live" ? "recorded" : source;
  const samples = useSamples(draft.id, connection, stream, from);
  const text = samples.data?.items[at]?.text;
  const { onChange } = props;
  useEffect(() => {
    if (text !== undefined) onChange(text);
  }, [text, onChange]);
  return (
    <section className="studio-pane" aria-label={t("sample")}>
      <header className="studio-pane-head">
        <h2>{t("sample")}</h2>
        <SampleTurner at={at} count={samples.data?.items.length ?? 0} turn={setAt} />
        <Segmented
          size="small"
          aria-label={t("sample")}
          value={from}
          onChange={(next) => {
            setSource(next);
            setAt(0);
          }}
          options={[
            ...(reads === false ? [] : [{ value: "live" as const, label: t("sampleLive") }]),
            { value: "recorded" as const, label: t("sampleRecorded") },
            { value: "dead" as const, label: t("sampleDead") },
          ]}
        />
      </header>
      {samples.error && <ProblemAlert error={samples.error} retry={() => void samples.refetch()} />}
      {samples.data?.items.length === 0 && (
        <p className="studio-muted" style={{ padding: "0 12px" }}>
          {t("noSamples")}: {t("noSamplesAdvice")}
        </p>
      )}
      <div className="studio-pane-body">
        <Editor
          value={props.sample}
          onChange={props.onChange}
          label={t("sample")}
          problems={props.tried?.sample_problems}
        />
      </div>
    </section>
  );
}

function ResultPane(props: { tried: Tried | undefined; error: unknown; goTo: (line: number) => void }) {
  const t = useTexts();
  const [chosen, setChosen] = useState<string | null>(null);
  const { tried } = props;
  const result = tried?.result;
  const failed = new Map(result?.errors.map((e) => [e.field, e.message]));
  const fields = tried?.mapping?.fields ?? [];
  const leftOut = tried?.mapping?.left_out ?? [];
  return (
    <section className="studio-pane" aria-label={t("result")}>
      <header className="studio-pane-head">
        <h2>
          {t("result")}
          {tried?.mapping ? ` · ${tried.mapping.target}` : ""}
        </h2>
        {result && (
          <Health level={result.end === "mapped" ? "good" : result.end === "dead" ? "bad" : "off"}>
            {t(result.end === "dead" ? "deadEnd" : result.end)}
          </Health>
        )}
      </header>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard */}
      <div className="studio-pane-body" tabIndex={0}>
        {props.error !== null && props.error !== undefined && <ProblemAlert error={props.error} />}
        {tried && !tried.mapping && (
          <ul style={{ padding: "8px 12px 8px 28px", margin: 0 }}>
            {tried.problems.map((p) => (
              <li key={`${p.line}:${p.column}:${p.path}:${p.message}`} className="studio-bad">
                <button type="button" className="studio-link" onClick={() => props.goTo(p.line ?? 1)}>
                  {p.line}:{p.column}
                </button>{" "}
                {p.path} {p.message}
                {p.hint && <div className="studio-muted">{p.hint}</div>}
              </li>
            ))}
          </ul>
        )}
        {result?.dead && (
          <p className="studio-bad" style={{ padding: "0 12px" }}>
            <code>{result.dead.field}</code>: {result.dead.message}
          </p>
        )}
        {result?.where && !result.where.value && (
          <div style={{ padding: "6px 12px" }}>
            <code>where: {result.where.text}</code>
            <ul style={{ margin: 0, paddingInlineStart: 18 }}>
              {result.where.parts.map((part) => (
                <li key={part}>{part}</li>
              ))}
            </ul>
          </div>
        )}
        {result && fields.length > 0 && (
          <table className="studio-values">
            <thead className="unseen">
              <tr>
                <th scope="col">{t("field")}</th>
                <th scope="col">{t("value")}</th>
              </tr>
            </thead>
            <tbody>
              {fields.map((f) => {
                const value = result.values[f.name] ?? result.chains[f.name]?.value;
                const fault = failed.get(f.name) ?? result.chains[f.name]?.error?.message;
                return (
                  <tr key={f.name} className={chosen === f.name ? "chosen" : undefined}>
                    <th scope="row">
                      <button
                        type="button"
                        aria-expanded={chosen === f.name}
                        onClick={() => setChosen(chosen === f.name ? null : f.name)}
                      >
                        {f.name}
                      </button>
                    </th>
                    <td>
                      <span className={value === null || value === undefined ? "studio-null" : undefined}>
                        {shown(value)}
                      </span>
                      {fault && <div className="studio-bad">{fault}</div>}
                      {chosen === f.name && result.chains[f.name] && (
                        <Chain
                          field={f}
                          chain={result.chains[f.name] as NonNullable<Tried["result"]>["chains"][string]}
                          edges={(tried?.mapping?.edges ?? []).filter((e) => e.field === f.name)}
                          goTo={() => props.goTo(f.line)}
                        />
                      )}
                    </td>
                  </tr>
                );
              })}
            </tbody>
          </table>
        )}
        {result && chosen === null && (
          <p className="studio-muted" style={{ padding: "0 12px" }}>
            {t("lineageAdvice")}
          </p>
        )}
        {leftOut.length > 0 && (
          <p className="studio-muted" style={{ padding: "0 12px 8px" }}>
            {t("leftOut")}:{" "}
            {leftOut.map((f, n) => (
              <span key={f.name} title={f.doc} className={f.required ? "studio-bad" : undefined}>
                {n > 0 && ", "}
                {f.name}
                {f.required && ` (${t("required")})`}
              </span>
            ))}
          </p>
        )}
      </div>
    </section>
  );
}
