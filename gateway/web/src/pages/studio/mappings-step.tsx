import { useMutation } from "@tanstack/react-query";
import { Alert, Button, Flex, Form, Radio, Select } from "antd";
import { useState } from "react";
import { Link, useNavigate, useSearchParams } from "react-router";
import { answer, api } from "../../api/client";
import { EmptyWithAdvice, Panel, ProblemAlert } from "../../parts";
import { useConnections, useLanguageOfMappings, useStreams } from "./calls";
import { useDraft } from "./draft";
import type { ConnectionSpec, DraftBody } from "./shapes";
import { useTexts } from "./texts";

/** The mapping is in the draft, and the connection uses it for its stream. */
function withMapping(body: DraftBody, spec: ConnectionSpec, stream: string, name: string, text: string): DraftBody {
  const own = body.connections.some((c) => c.id === spec.id) ? body.connections : [...body.connections, spec];
  return {
    ...body,
    mappings: { ...body.mappings, [name]: text },
    connections: own.map((c) => (c.id === spec.id ? { ...c, mappings: { ...c.mappings, [stream]: name } } : c)),
  };
}

export default function MappingsStep() {
  const t = useTexts();
  const { draft, body } = useDraft();
  const names = Object.keys(body.mappings);
  const usedBy = (name: string) =>
    body.connections.flatMap((c) =>
      Object.entries(c.mappings ?? {})
        .filter(([, used]) => used === name)
        .map(([stream]) => `${c.id}/${stream}`),
    );
  return (
    <div className="studio-columns">
      <Panel title={t("mappings")} flush>
        {names.length === 0 ? (
          <EmptyWithAdvice title={t("noMappings")} advice={t("noMappingsAdvice")} />
        ) : (
          <table className="studio-values">
            <tbody>
              {names.map((name) => (
                <tr key={name}>
                  <th scope="row">
                    <Link to={`/studio/drafts/${draft.id}/mappings/${name}`} className="studio-mono">
                      {name}
                    </Link>
                  </th>
                  <td>{usedBy(name).join(", ") || "–"}</td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </Panel>
      <Begin />
    </div>
  );
}

function Begin() {
  const t = useTexts();
  const navigate = useNavigate();
  const [search] = useSearchParams();
  const { draft, body, change, flush } = useDraft();
  const running = useConnections();
  const language = useLanguageOfMappings();
  const known: ConnectionSpec[] = [
    ...body.connections,
    ...(running.data?.items ?? []).filter((c) => !body.connections.some((own) => own.id === c.id)),
  ];
  const [connection, setConnection] = useState(search.get("connection") ?? body.connections[0]?.id ?? "");
  const [stream, setStream] = useState(search.get("stream") ?? "");
  const [target, setTarget] = useState<string | null>(null);
  const streams = useStreams(draft.id, connection, true);
  const chosen = streams.data?.items.find((s) => s.name === stream);
  const copies = chosen?.mapping !== null && chosen !== undefined && target === null;
  const begin = useMutation({
    mutationFn: async () => {
      await flush();
      const wanted = copies ? null : (target ?? "Alert");
      let sample = "{}";
      if (wanted !== null) {
        const source = chosen?.reads ? "live" : "recorded";
        const found = await answer<{ items: { text: string }[] }>(
          api.POST("/v1/studio/drafts/{draft}/samples", {
            params: { path: { draft: draft.id } },
            body: { connection, stream, source, limit: 1 },
          }),
        );
        sample = found.items[0]?.text ?? "{}";
      }
      const made = await answer<{ name: string; text: string }>(
        api.POST("/v1/studio/drafts/{draft}/start", {
          params: { path: { draft: draft.id } },
          body: { connection, stream, target: wanted, sample },
        }),
      );
      const spec = known.find((c) => c.id === connection);
      if (spec) {
        const { id, connector, title, config, enabled, mappings } = spec;
        const plain: ConnectionSpec = {
          id,
          connector,
          config,
          ...(title && { title }),
          ...(mappings && { mappings }),
          ...(enabled === false && { enabled }),
        };
        change((now) => withMapping(now, plain, stream, made.name, made.text));
      }
      await flush();
      await navigate(`/studio/drafts/${draft.id}/mappings/${made.name}`);
    },
  });
  return (
    <Panel title={t("startMapping")}>
      {begin.error && <ProblemAlert error={begin.error} />}
      {streams.error && <ProblemAlert error={streams.error} />}
      <Form layout="vertical" onFinish={() => begin.mutate()}>
        <Form.Item label={t("connection")} htmlFor="studio-start-connection">
          <Select
            id="studio-start-connection"
            value={connection || undefined}
            options={known.map((c) => ({ value: c.id, label: c.title ? `${c.title} (${c.id})` : c.id }))}
            onChange={(id) => {
              setConnection(id);
              setStream("");
            }}
          />
        </Form.Item>
        <Form.Item label={t("stream")} htmlFor="studio-start-stream">
          <Select
            id="studio-start-stream"
            loading={streams.isFetching}
            value={stream || undefined}
            options={(streams.data?.items ?? []).map((s) => ({
              value: s.name,
              label: `${s.name} → ${s.becomes ?? t("notMapped")}`,
            }))}
            onChange={(name) => {
              setStream(name);
              setTarget(null);
            }}
          />
        </Form.Item>
        {chosen && (
          <Form.Item label={t("startFrom")}>
            <Flex vertical gap={8}>
              {chosen.mapping && (
                <Radio checked={target === null} onChange={() => setTarget(null)}>
                  {t("startCopy")} <code>{chosen.mapping}</code>
                </Radio>
              )}
              <Flex gap={8} align="center" wrap>
                <Radio checked={!copies} onChange={() => setTarget("Alert")}>
                  {t("startNew")}
                </Radio>
                <Select
                  aria-label={t("startNew")}
                  size="small"
                  showSearch
                  style={{ minWidth: 170 }}
                  value={copies ? undefined : (target ?? "Alert")}
                  options={(language.data?.records ?? [])
                    .filter((r) => r.name !== "Ticket")
                    .map((r) => ({ value: r.name, label: r.name }))}
                  onChange={setTarget}
                />
              </Flex>
            </Flex>
          </Form.Item>
        )}
        {chosen && !chosen.reads && <Alert type="info" showIcon title={t("pushed")} style={{ marginBottom: 12 }} />}
        <Button type="primary" htmlType="submit" disabled={!chosen} loading={begin.isPending}>
          {t("begin")}
        </Button>
      </Form>
    </Panel>
  );
}
