import { ExportOutlined } from "@ant-design/icons";
import { Link } from "react-router";
import { Panel, PriorityTag, StateTag, When } from "../../parts";
import { Countdown } from "../../tickets/countdown";
import type { WholeTicket } from "../../tickets/types";
import { useWord } from "../../tickets/words";
import { FieldValue, useFieldName } from "./field-value";
import { useTexts } from "./texts";

const THINGS = ["device", "customer"] as const;
const TICKETS = ["storm_id", "superseded_by"] as const;
const PLAIN = ["group", "assignee", "connection", "source_key", "blocked_text", "resolution"] as const;
const WORDS = ["kind", "blocked_reason", "cause"] as const;
const TIMES = ["opened_at", "updated_at", "resolved_at", "confirmed_at"] as const;

/** The ticket's fields; each value leads to where it came from. */
export function Details({ ticket }: { ticket: WholeTicket }) {
  const t = useTexts();
  const name = useFieldName();
  const word = useWord();
  const rows: { field: string; shown: React.ReactNode; beside?: React.ReactNode }[] = [
    { field: "status", shown: <StateTag state={ticket.status} /> },
    { field: "priority", shown: <PriorityTag priority={ticket.priority} long /> },
    ...WORDS.filter((field) => ticket[field]).map((field) => ({ field, shown: word(ticket[field]) })),
    ...PLAIN.filter((field) => ticket[field]).map((field) => ({ field, shown: ticket[field] })),
    ...THINGS.filter((field) => ticket[field]).map((field) => ({
      field,
      shown: <span className="id">{ticket[field]}</span>,
      beside: <ThingLink id={ticket[field] ?? ""} to={`/identity/${ticket[field]}`} />,
    })),
    ...TICKETS.filter((field) => ticket[field]).map((field) => ({
      field,
      shown: <span className="id">{ticket[field]}</span>,
      beside: <ThingLink id={ticket[field] ?? ""} to={`/tickets/${ticket[field]}`} />,
    })),
    ...(ticket.occurrences > 1 ? [{ field: "occurrences", shown: ticket.occurrences }] : []),
    ...TIMES.filter((field) => ticket[field]).map((field) => ({
      field,
      shown: <When at={ticket[field]} exact ahead />,
    })),
  ];
  const labels = Object.entries(ticket.labels ?? {});
  return (
    <Panel title={t("details")}>
      <dl className="fields">
        {rows.map(({ field, shown, beside }) => (
          <div key={field}>
            <dt>{name(field)}</dt>
            <dd>
              <FieldValue ticket={ticket.id} field={field}>
                {shown}
              </FieldValue>
              {beside}
            </dd>
          </div>
        ))}
        {ticket.url && (
          <div>
            <dt>{name("url")}</dt>
            <dd>
              <a href={ticket.url} target="_blank" rel="noreferrer" className="clip">
                {ticket.url}
              </a>
            </dd>
          </div>
        )}
        {labels.length > 0 && (
          <div>
            <dt>{name("labels")}</dt>
            <dd className="labels">
              {labels.map(([key, value]) => (
                <FieldValue key={key} ticket={ticket.id} field="labels">
                  <code>
                    {key}={value}
                  </code>
                </FieldValue>
              ))}
            </dd>
          </div>
        )}
      </dl>
    </Panel>
  );
}

function ThingLink({ id, to }: { id: string; to: string }) {
  const t = useTexts();
  return (
    <Link to={to} aria-label={t("openThing", { id })} title={t("openThing", { id })} className="beside">
      <ExportOutlined />
    </Link>
  );
}

/** Every promise with what is left of it. */
export function Promises({ ticket, since, zh }: { ticket: WholeTicket; since: number; zh: boolean }) {
  const t = useTexts();
  const promises = ticket.promises ?? [];
  if (promises.length === 0) return null;
  return (
    <Panel title={t("promises")}>
      <dl className="fields">
        {promises.map((promised) => (
          <div key={promised.name}>
            <dt>{zh ? promised.title_zh : promised.title}</dt>
            <dd>
              <Countdown promised={promised} since={since} />
            </dd>
          </div>
        ))}
      </dl>
    </Panel>
  );
}
