import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { App, Button, Drawer, Flex, Grid, Input, Select, Table } from "antd";
import { useState } from "react";
import { useNavigate, useSearchParams } from "react-router";
import { answer, api, type Page as PageOf } from "../../api/client";
import { CodeView, EmptyWithAdvice, Page, Panel, ProblemAlert, useCommon, When } from "../../parts";
import { useConnections } from "./calls";
import { beginDraft } from "./draft";
import type { DeadGroup, DeadLetter } from "./shapes";
import { useTexts } from "./texts";

const KEYS = ["dead-letters"];

interface Cause {
  connection: string;
  stream: string;
  path: string;
  reason: string;
}

export default function DeadLetters() {
  const t = useTexts();
  const common = useCommon();
  const { message } = App.useApp();
  const queries = useQueryClient();
  const [search, setSearch] = useSearchParams();
  const connection = search.get("connection") ?? undefined;
  const [words, setWords] = useState("");
  const [cause, setCause] = useState<Cause | null>(null);
  const [selected, setSelected] = useState<string[]>([]);
  const [open, setOpen] = useState<string | null>(null);
  const connections = useConnections();
  const filters = { ...(connection && { connection }), ...(words && { q: words }) };
  const groups = useQuery({
    queryKey: [...KEYS, "groups", filters],
    queryFn: () => answer<{ items: DeadGroup[] }>(api.GET("/v1/dead-letters/groups", { params: { query: filters } })),
  });
  const wanted = { ...filters, ...cause };
  const letters = useInfiniteQuery({
    queryKey: [...KEYS, "list", wanted],
    queryFn: ({ pageParam }) =>
      answer<PageOf<DeadLetter>>(
        api.GET("/v1/dead-letters", {
          params: { query: { ...wanted, ...(pageParam && { cursor: pageParam as never }) } },
        }),
      ),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });
  const replay = useMutation({
    mutationFn: (body: {
      ids?: string[];
      connection?: string;
      stream?: string;
      path?: string;
      reason?: string;
      limit: number;
    }) =>
      // ids are numbers beyond what JavaScript counts exactly; the hub reads them from text
      answer<{ replayed: number; ends: Record<string, number> }>(
        api.POST("/v1/dead-letters/replay", { body: body as never }),
      ),
    onSuccess: async ({ replayed, ends }) => {
      const names: Record<string, string> = {
        ticketed: t("ticketed"),
        merged: t("merged"),
        suppressed: t("suppressed"),
        dead: t("stillDead"),
      };
      const told = Object.entries(ends)
        .map(([end, n]) => `${names[end] ?? end} ${n}`)
        .join(", ");
      (ends.dead === replayed && replayed > 0 ? message.warning : message.success)(
        t("replayed", { n: replayed, ends: told || "0" }),
      );
      setSelected([]);
      await queries.invalidateQueries({ queryKey: KEYS });
    },
  });
  const items = letters.data?.pages.flatMap((page) => page.items) ?? [];
  const found = groups.data?.items ?? [];
  const all = found.reduce((sum, g) => sum + g.count, 0);
  if (groups.data && found.length === 0 && !words && !connection) {
    return (
      <Page title={t("dead")}>
        <EmptyWithAdvice title={t("noDead")} advice={t("noDeadAdvice")} />
      </Page>
    );
  }
  return (
    <Page title={t("dead")} aside={<span className="studio-muted">{all}</span>} wide>
      <Flex gap={8} wrap style={{ marginBottom: 12 }}>
        <Select
          allowClear
          aria-label={t("connection")}
          placeholder={t("anyConnection")}
          style={{ minWidth: 180 }}
          value={connection}
          onChange={(id) => {
            setCause(null);
            setSearch(id ? { connection: id } : {});
          }}
          options={(connections.data?.items ?? []).map((c) => ({ value: c.id, label: c.id }))}
        />
        <Input.Search
          allowClear
          aria-label={t("searchReason")}
          placeholder={t("searchReason")}
          style={{ maxWidth: 260 }}
          onSearch={(text) => {
            setCause(null);
            setWords(text.trim());
          }}
        />
      </Flex>
      {groups.error && <ProblemAlert error={groups.error} retry={() => void groups.refetch()} />}
      {replay.error && <ProblemAlert error={replay.error} />}
      <div className="studio-stack">
        <Panel title={t("causes")} flush>
          <Table<DeadGroup>
            size="small"
            rowKey={(g) => `${g.connection_id}/${g.stream}/${g.path}/${g.reason}`}
            loading={groups.isLoading}
            dataSource={found}
            pagination={found.length > 8 ? { pageSize: 8 } : false}
            scroll={{ x: 760 }}
            columns={[
              { title: t("count"), dataIndex: "count", width: 70, align: "end" },
              {
                title: t("connection"),
                render: (_, g) => (
                  <span className="studio-mono">
                    {g.connection_id}/{g.stream || "–"}
                  </span>
                ),
              },
              {
                title: t("reason"),
                render: (_, g) => (
                  <Button
                    type="link"
                    size="small"
                    style={{ padding: 0, height: "auto", whiteSpace: "normal", textAlign: "start" }}
                    onClick={() =>
                      setCause({ connection: g.connection_id, stream: g.stream, path: g.path, reason: g.reason })
                    }
                  >
                    {g.path && <code>{g.path}</code>} {g.reason}
                  </Button>
                ),
              },
              { title: t("last"), width: 120, render: (_, g) => <When at={g.last_at} /> },
              {
                title: <span className="unseen">{t("replay")}</span>,
                width: 220,
                align: "end",
                render: (_, g) => (
                  <Flex gap={4} justify="end">
                    <MendButton group={g} />
                    <Button
                      size="small"
                      loading={replay.isPending}
                      onClick={() =>
                        replay.mutate({
                          connection: g.connection_id,
                          stream: g.stream,
                          path: g.path,
                          reason: g.reason,
                          limit: 500,
                        })
                      }
                    >
                      {t("replayAll", { n: g.count })}
                    </Button>
                  </Flex>
                ),
              },
            ]}
          />
        </Panel>
        <Panel
          title={t("letters")}
          flush
          extra={
            <Flex gap={8} align="center" wrap>
              {cause && (
                <Button size="small" type="text" onClick={() => setCause(null)}>
                  {t("allCauses")}
                </Button>
              )}
              <Button
                size="small"
                type="primary"
                disabled={selected.length === 0}
                loading={replay.isPending}
                onClick={() => replay.mutate({ ids: selected, limit: 500 })}
              >
                {t("replaySelected", { n: selected.length })}
              </Button>
            </Flex>
          }
        >
          <Table<DeadLetter>
            size="small"
            rowKey="message_id"
            loading={letters.isLoading}
            dataSource={items}
            pagination={false}
            style={{ minWidth: 760 }}
            rowSelection={{ selectedRowKeys: selected, onChange: (keys) => setSelected(keys.map(String)) }}
            columns={[
              { title: t("when"), width: 120, render: (_, d) => <When at={d.at} /> },
              {
                title: t("connection"),
                render: (_, d) => (
                  <span className="studio-mono">
                    {d.connection_id}/{d.stream || "–"}
                  </span>
                ),
              },
              {
                title: t("reason"),
                render: (_, d) => (
                  <>
                    {d.path && <code>{d.path}</code>} {d.reason}
                    {d.hint && <div className="studio-muted">{d.hint}</div>}
                  </>
                ),
              },
              { title: t("replays"), dataIndex: "replays", width: 90, align: "end" },
              {
                title: <span className="unseen">{t("rawMessage")}</span>,
                width: 120,
                align: "end",
                render: (_, d) => (
                  <Button
                    size="small"
                    type="link"
                    onClick={() => setOpen(d.message_id)}
                    aria-label={`${t("rawMessage")} ${d.message_id}`}
                  >
                    {t("rawMessage")}
                  </Button>
                ),
              },
            ]}
          />
          {letters.hasNextPage && (
            <Button type="link" loading={letters.isFetchingNextPage} onClick={() => void letters.fetchNextPage()}>
              {common("more")}
            </Button>
          )}
        </Panel>
      </div>
      {open && <Letter id={open} close={() => setOpen(null)} />}
    </Page>
  );
}

/** A draft in which the mapping of what died is changed, with the dead letters as samples. */
function MendButton({ group }: { group: DeadGroup }) {
  const t = useTexts();
  const navigate = useNavigate();
  const connections = useConnections();
  const spec = connections.data?.items.find((c) => c.id === group.connection_id);
  if (!spec || !group.stream) return null;
  const mend = async () => {
    const draft = await beginDraft(t("editTitle", { name: `${group.connection_id}/${group.stream}` }), {});
    const query = `connection=${encodeURIComponent(group.connection_id)}&stream=${encodeURIComponent(group.stream)}`;
    await navigate(`/studio/drafts/${draft.id}/mappings?${query}`);
  };
  return (
    <Button size="small" type="text" onClick={() => void mend()}>
      {t("mend")}
    </Button>
  );
}

function Letter({ id, close }: { id: string; close: () => void }) {
  const t = useTexts();
  const wide = Grid.useBreakpoint().md;
  const letter = useQuery({
    queryKey: [...KEYS, id],
    queryFn: () =>
      answer<DeadLetter>(api.GET("/v1/dead-letters/{message_id}", { params: { path: { message_id: id as never } } })),
  });
  return (
    <Drawer open size={wide ? 620 : "100%"} title={`${t("rawMessage")} ${id}`} onClose={close}>
      {letter.error && <ProblemAlert error={letter.error} />}
      {letter.data && (
        <div className="studio-stack">
          <div>
            {letter.data.path && <code>{letter.data.path}</code>} {letter.data.reason}
            {letter.data.hint && <div className="studio-muted">{letter.data.hint}</div>}
          </div>
          <CodeView value={pretty(letter.data.body ?? "")} maxHeight={620} label={t("rawMessage")} />
        </div>
      )}
    </Drawer>
  );
}

function pretty(body: string): string {
  try {
    return JSON.stringify(JSON.parse(body), null, 2);
  } catch {
    return body;
  }
}
