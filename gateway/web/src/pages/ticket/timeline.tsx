import { Button, Checkbox, Mentions, Segmented } from "antd";
import dayjs from "dayjs";
import { useState } from "react";
import { answer, api } from "../../api/client";
import { ProblemAlert, TicketLink, When } from "../../parts";
import { useGroups, usePeople } from "../../tickets/people";
import type { Entry, WholeTicket } from "../../tickets/types";
import { useWord } from "../../tickets/words";
import { FieldValue, useFieldName } from "./field-value";
import { useEntryTexts, useTexts } from "./texts";

const SHOWN = ["everything", "comments", "changes", "outside"] as const;
type Show = (typeof SHOWN)[number];
const OF: Record<Show, (entry: Entry) => boolean> = {
  everything: () => true,
  comments: (entry) => entry.type === "comment",
  changes: (entry) => entry.type === "change",
  outside: (entry) => entry.type === "note",
};
/** What follows from other fields, or says nothing to people. */
const SILENT = new Set([
  "open_key",
  "fingerprint",
  "due_fixed",
  "source",
  "paused_since",
  "paused_total",
  "first_seen",
  "last_seen",
]);

/** Everything that happened, the latest first, and a place to say something. */
export function Timeline({
  ticket,
  mayComment,
  onDone,
}: {
  ticket: WholeTicket;
  mayComment: boolean;
  onDone: () => Promise<unknown>;
}) {
  const t = useTexts();
  const [show, setShow] = useState<Show>("everything");
  const entries = ticket.timeline.filter(OF[show]).reverse();
  return (
    <>
      {mayComment && <Say ticket={ticket.id} onDone={onDone} />}
      <Segmented
        className="timeline-show"
        value={show}
        onChange={setShow}
        options={SHOWN.map((value) => ({ value, label: t(value) }))}
      />
      {entries.length === 0 && <p className="quiet">{t("nothingYet")}</p>}
      <ol className="timeline">
        {entries.map((entry) => (
          <One key={entry.id} ticket={ticket.id} entry={entry} />
        ))}
      </ol>
    </>
  );
}

function One({ ticket, entry }: { ticket: string; entry: Entry }) {
  const t = useTexts();
  const say = useEntryTexts();
  const name = useFieldName();
  const data = entry.data;
  const known = say(entry.name as Parameters<typeof say>[0]);
  const text = typeof data.text === "string" ? data.text : "";
  const changes = entry.name === "open" ? [] : entry.changes.filter((change) => !SILENT.has(change.field));
  const others = [data.other, data.child].filter((each): each is number | string => each !== undefined);
  return (
    <li className={`entry entry-${entry.type} ${data.public ? "entry-public" : ""}`}>
      <i aria-hidden className="entry-mark" />
      <div className="entry-head">
        <strong className={`entry-who who-${entry.actor_kind}`}>{entry.actor || "–"}</strong>
        <span>{known.startsWith("entries:") ? entry.name : known}</span>
        <span className="quiet entry-when">
          <When at={entry.at} />
        </span>
      </div>
      {data.public === true && <span className="entry-public-mark">{t("publicComment")}</span>}
      {text && <div className="entry-text">{text}</div>}
      {entry.why && entry.name !== "open" && <div className="quiet entry-why">{entry.why}</div>}
      {changes.length > 0 && (
        <ul className="entry-changes">
          {changes.map((change) => (
            <li key={change.field}>
              <span className="quiet">{name(change.field)}</span>{" "}
              {change.before !== null && change.before !== "" && (
                <>
                  <del>
                    <Value field={change.field} value={change.before} />
                  </del>{" "}
                  →{" "}
                </>
              )}
              <FieldValue ticket={ticket} field={change.field}>
                <Value field={change.field} value={change.after} />
              </FieldValue>
            </li>
          ))}
        </ul>
      )}
      {entry.type === "note" && <Note data={data} />}
      {others.map(
        (other) => typeof other === "string" && other.startsWith("TKT-") && <TicketLink key={other} id={other} />,
      )}
    </li>
  );
}

/** What a note of the hub holds: names and short values. */
function Note({ data }: { data: Record<string, unknown> }) {
  if (typeof data.op === "string" && typeof data.connection === "string") {
    const end = [data.outcome ?? data.state, data.reason].filter(Boolean).join(" · ");
    return (
      <div className="quiet entry-data">
        {data.connection} · {data.op} → {end}
      </div>
    );
  }
  const shown = Object.entries(data).filter(
    ([key, value]) =>
      key !== "text" &&
      key !== "command" &&
      key !== "message" &&
      value !== "" &&
      value !== null &&
      typeof value !== "object",
  );
  if (shown.length === 0) return null;
  return (
    <div className="quiet entry-data">
      {shown.map(([key, value]) => (
        <span key={key}>
          {key}: {String(value)}
        </span>
      ))}
    </div>
  );
}

const PREFIXES: Record<string, string> = { device: "DEV", customer: "CUST", storm_id: "TKT", superseded_by: "TKT" };

/** A global id as people write it, of the number that the trail keeps. */
const globalId = (prefix: string, number: number): string =>
  `${prefix}-${Math.floor(number / 1e9) % 1e4}-${String(number % 1e9).padStart(6, "0")}`;

function Value({ field, value }: { field: string; value: unknown }) {
  const word = useWord();
  if (value === null || value === undefined || value === "") return <>–</>;
  const prefix = PREFIXES[field];
  if (prefix && typeof value === "number") return <span className="id">{globalId(prefix, value)}</span>;
  if (field === "priority" && typeof value === "number") return <>P{value}</>;
  if (typeof value === "number" && /_(at|due|since)$/.test(field))
    return <>{dayjs(value / 1000).format("YYYY-MM-DD HH:mm")}</>;
  if (typeof value === "object") return <code>{JSON.stringify(value)}</code>;
  return <>{word(String(value))}</>;
}

function Say({ ticket, onDone }: { ticket: string; onDone: () => Promise<unknown> }) {
  const t = useTexts();
  const people = usePeople();
  const groups = useGroups();
  const [text, setText] = useState("");
  const [isPublic, setPublic] = useState(false);
  const [error, setError] = useState<unknown>();
  const [sending, setSending] = useState(false);
  const send = async () => {
    setSending(true);
    setError(undefined);
    try {
      const params = { path: { ticket, action: "comment" as const } };
      await answer(api.POST("/v1/tickets/{ticket}/{action}", { params, body: { text, public: isPublic, why: "" } }));
      setText("");
      setPublic(false);
      await onDone();
    } catch (refused) {
      setError(refused);
    } finally {
      setSending(false);
    }
  };
  return (
    <form
      className="say"
      onSubmit={(event) => {
        event.preventDefault();
        if (text.trim()) void send();
      }}
    >
      <Mentions
        aria-label={t("commentHint")}
        placeholder={t("commentHint")}
        autoSize={{ minRows: 2, maxRows: 8 }}
        value={text}
        onChange={setText}
        options={[...people, ...groups].map((each) => ({ value: each.id, label: each.name }))}
      />
      <div className="say-row">
        <Checkbox checked={isPublic} onChange={(event) => setPublic(event.target.checked)}>
          {t("public")}
        </Checkbox>
        <Button htmlType="submit" type="primary" disabled={!text.trim()} loading={sending}>
          {t("send")}
        </Button>
      </div>
      {error !== undefined && <ProblemAlert error={error} />}
    </form>
  );
}
