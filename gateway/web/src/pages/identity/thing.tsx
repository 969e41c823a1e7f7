/** One thing: its golden record, what every system calls it, who speaks of it, and how it came together. */
import { MergeCellsOutlined, SplitCellsOutlined } from "@ant-design/icons";
import { Alert, App, Button, Flex, Popconfirm, Table, Tag, Typography } from "antd";
import { useState } from "react";
import { Link, useParams } from "react-router";
import { Loading, Page, Panel, PriorityTag, ProblemAlert, StateTag, TicketLink, When } from "../../parts";
import { useSession } from "../../session";
import { useAllow, useThing, useUndo, useUses } from "./asking";
import { GoldenPanel } from "./golden";
import { MergeDialog } from "./merging";
import { SplitDialog } from "./splitting";
import { useTexts } from "./texts";
import type { Key, MergeEvent, Thing } from "./types";
import { kindName } from "./words";

export function ThingPage() {
  const { id = "" } = useParams();
  const t = useTexts();
  const { may } = useSession();
  const { data, error, refetch } = useThing(id);
  const [dialog, setDialog] = useState<"merge" | "split" | null>(null);
  const births = new Set(data?.crosswalk.map((key) => key.birth_id));
  return (
    <Page
      title={data?.name ?? id}
      aside={
        data && (
          <>
            <Tag variant="filled">{kindName(data.kind, t)}</Tag>
            <span className="id">{data.live}</span>
          </>
        )
      }
      actions={
        data &&
        may("configure") && (
          <>
            <Button icon={<MergeCellsOutlined />} onClick={() => setDialog("merge")}>
              {t("merge")}
            </Button>
            {births.size > 1 && (
              <Button icon={<SplitCellsOutlined />} onClick={() => setDialog("split")}>
                {t("split")}
              </Button>
            )}
          </>
        )
      }
    >
      {error && <ProblemAlert error={error} retry={() => void refetch()} />}
      {!data && !error && <Loading />}
      {data && (
        <Flex vertical gap={14}>
          {data.id !== data.live && (
            <Alert type="info" showIcon title={t("mergedInto", { id: data.id, live: data.live })} />
          )}
          <GoldenPanel id={data.live} />
          <div className="halves">
            <Crosswalk keys={data.crosswalk} />
            <InUse id={data.live} />
          </div>
          <History thing={data} />
          <MergeDialog thing={data} open={dialog === "merge"} close={() => setDialog(null)} />
          <SplitDialog thing={data} open={dialog === "split"} close={() => setDialog(null)} />
        </Flex>
      )}
    </Page>
  );
}

function Crosswalk({ keys }: { keys: Key[] }) {
  const t = useTexts();
  return (
    <Panel
      title={t("crosswalk")}
      extra={<Typography.Text type="secondary">{t("crosswalkAdvice")}</Typography.Text>}
      flush
    >
      <Table<Key>
        size="small"
        rowKey={(key) => `${key.system} ${key.local_id}`}
        dataSource={keys}
        pagination={keys.length > 20 ? { pageSize: 20, showSizeChanger: false } : false}
        columns={[
          { title: t("system"), dataIndex: "system" },
          { title: t("local"), render: (_, key) => <code>{key.local_id}</code> },
          { title: t("born"), render: (_, key) => <span className="id">{key.birth_id}</span> },
          { title: t("lastSeen"), responsive: ["md"], render: (_, key) => <When at={key.last_seen} /> },
        ]}
      />
    </Panel>
  );
}

function InUse({ id }: { id: string }) {
  const t = useTexts();
  const { data, error } = useUses(id);
  return (
    <Panel title={t("uses")}>
      {error && <ProblemAlert error={error} />}
      {!data && !error && <Loading />}
      {data && (
        <div className="uses">
          <h3>
            {t("tickets")} <b>{data.tickets}</b>
          </h3>
          {data.tickets === 0 && <Typography.Text type="secondary">{t("noTickets")}</Typography.Text>}
          <ul>
            {data.latest.map((ticket) => (
              <li key={ticket.id}>
                <PriorityTag priority={ticket.priority} /> <StateTag state={ticket.status} />
                <TicketLink id={ticket.id} title={ticket.title} />
              </li>
            ))}
          </ul>
          <h3>{t("records")}</h3>
          {data.records.length === 0 && <Typography.Text type="secondary">{t("noRecords")}</Typography.Text>}
          <ul>
            {data.records.map((each) => (
              <li key={`${each.connection}/${each.stream}`}>
                {each.connection}/{each.stream} <b>{each.count}</b>
              </li>
            ))}
          </ul>
        </div>
      )}
    </Panel>
  );
}

function History({ thing }: { thing: Thing }) {
  const t = useTexts();
  const { may } = useSession();
  const allow = useAllow();
  const { message } = App.useApp();
  return (
    <Panel title={t("history")}>
      {thing.merges.length === 0 && <Typography.Text type="secondary">{t("noHistory")}</Typography.Text>}
      <ul className="merges">
        {thing.merges.map((event) => (
          <Merge key={event.id} event={event} />
        ))}
      </ul>
      {thing.forbidden.length > 0 && (
        <>
          <h3 className="small-head">{t("neverOne")}</h3>
          <ul className="merges">
            {thing.forbidden.map((pair) => (
              <li key={`${pair.a} ${pair.b}`}>
                <span>
                  {t("apartLine", { a: pair.a, b: pair.b, actor: pair.actor })} · <When at={pair.at} />
                </span>
                {may("configure") && (
                  <Button
                    size="small"
                    loading={allow.isPending}
                    onClick={() => allow.mutate(pair, { onError: (problem) => void message.error(problem.message) })}
                  >
                    {t("allow")}
                  </Button>
                )}
              </li>
            ))}
          </ul>
        </>
      )}
    </Panel>
  );
}

function Merge({ event }: { event: MergeEvent }) {
  const t = useTexts();
  const { may } = useSession();
  const undo = useUndo();
  const { message } = App.useApp();
  const take = () =>
    undo.mutate(event.id, {
      onSuccess: () => void message.success(t("undoneDone", { loser: event.loser })),
      onError: (problem) => void message.error(problem.message),
    });
  return (
    <li className={event.undone_at ? "merge-undone" : ""}>
      <div>
        {t("mergedBy", { actor: event.actor, loser: event.loser, winner: event.winner })} · <When at={event.at} />
        {event.reason && <div className="merge-reason">{event.reason}</div>}
        {event.undone_at && (
          <div className="merge-reason">
            {t("undone", { actor: event.undone_by ?? "" })} · <When at={event.undone_at} /> ·{" "}
            <Link to={`/identity/${event.loser}`}>{event.loser}</Link>
          </div>
        )}
      </div>
      {!event.undone_at && may("configure") && (
        <Popconfirm
          title={t("undoTitle")}
          description={<div style={{ maxWidth: 320 }}>{t("undoAdvice")}</div>}
          okText={t("undo")}
          onConfirm={take}
        >
          <Button size="small" loading={undo.isPending}>
            {t("undo")}
          </Button>
        </Popconfirm>
      )}
    </li>
  );
}
