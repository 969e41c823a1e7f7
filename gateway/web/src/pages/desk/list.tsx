import { Checkbox } from "antd";
import { type MouseEvent, memo, useEffect, useRef } from "react";
import { Link, useNavigate } from "react-router";
import { PriorityTag, StateTag, When } from "../../parts";
import { Countdown, pressing } from "../../tickets/countdown";
import type { Ticket } from "../../tickets/types";
import { useTicketTexts, useWord } from "../../tickets/words";
import { useTexts } from "./texts";

export interface Shown {
  tickets: Ticket[];
  since: number;
  /** Where the keyboard is; -1: nowhere. */
  at: number;
  selected: ReadonlySet<string>;
  /** Undefined: whoever looks may do nothing with them. */
  onSelect?: (id: string) => void;
  onSelectAll?: () => void;
}

export const pathOf = (ticket: Pick<Ticket, "id">): string => `/tickets/${encodeURIComponent(ticket.id)}`;

/** One line a ticket, for wide windows. */
export function Rows({ tickets, since, at, selected, onSelect, onSelectAll }: Shown) {
  const t = useTexts();
  return (
    <table className="rows" aria-label={t("list")}>
      <thead>
        <tr>
          {onSelect && (
            <th scope="col" className="rows-box">
              <Checkbox
                aria-label={t("selectAll")}
                checked={tickets.length > 0 && tickets.every((each) => selected.has(each.id))}
                indeterminate={selected.size > 0 && !tickets.every((each) => selected.has(each.id))}
                onChange={onSelectAll}
              />
            </th>
          )}
          <th scope="col">{t("priority")}</th>
          <th scope="col">{t("ticket")}</th>
          <th scope="col" className="rows-title">
            {t("titleColumn")}
          </th>
          <th scope="col">{t("state")}</th>
          <th scope="col">{t("promise")}</th>
          <th scope="col">{t("holder")}</th>
          <th scope="col">{t("kind")}</th>
          <th scope="col">{t("source")}</th>
          <th scope="col">{t("opened")}</th>
        </tr>
      </thead>
      <tbody>
        {tickets.map((ticket, n) => (
          <Row
            key={ticket.id}
            ticket={ticket}
            since={since}
            here={n === at}
            chosen={selected.has(ticket.id)}
            onSelect={onSelect}
          />
        ))}
      </tbody>
    </table>
  );
}

interface Line {
  ticket: Ticket;
  since: number;
  here: boolean;
  chosen: boolean;
  onSelect: Shown["onSelect"];
}

/** Drawn anew only when something of its own changed: of hundreds of rows a key moves two. */
const Row = memo(function Row({ ticket, since, here, chosen, onSelect }: Line) {
  const t = useTexts();
  const word = useWord();
  const names = useTicketTexts();
  const navigate = useNavigate();
  const row = useRef<HTMLTableRowElement>(null);
  useEffect(() => {
    if (here) row.current?.scrollIntoView({ block: "nearest" }); // newer browsers answer a promise, which is no clean-up
  }, [here]);
  const open = (event: MouseEvent) => {
    if (!(event.target as HTMLElement).closest("a,button,label,input")) void navigate(pathOf(ticket));
  };
  const next = pressing(ticket);
  return (
    <tr
      ref={row}
      aria-current={here || undefined}
      className={`${here ? "rows-at" : ""} ${chosen ? "rows-selected" : ""}`}
      onClick={open}
    >
      {onSelect && (
        <td className="rows-box">
          <Checkbox aria-label={t("select", { id: ticket.id })} checked={chosen} onChange={() => onSelect(ticket.id)} />
        </td>
      )}
      <td>
        <PriorityTag priority={ticket.priority} />
      </td>
      <td>
        <Link to={pathOf(ticket)} className="id">
          {ticket.id}
        </Link>
      </td>
      <td className="rows-title">
        <span className="clip" title={ticket.title}>
          {ticket.title}
        </span>
        {ticket.occurrences > 1 && (
          <span className="repeats" title={t("repeats", { n: ticket.occurrences })}>
            ×{ticket.occurrences}
          </span>
        )}
      </td>
      <td>
        <StateTag state={ticket.status} />
      </td>
      <td>{next && <Countdown promised={next} since={since} />}</td>
      <td className="rows-who">
        {ticket.assignee ?? <span className="quiet">{names("unassigned")}</span>}
        {ticket.group && <span className="quiet"> · {ticket.group}</span>}
      </td>
      <td>{word(ticket.kind)}</td>
      <td className="quiet">{ticket.connection}</td>
      <td className="quiet">
        <When at={ticket.opened_at} />
      </td>
    </tr>
  );
});

/** One card a ticket, for phones. */
export function Cards({ tickets, since, selected, onSelect }: Shown) {
  const t = useTexts();
  const word = useWord();
  const names = useTicketTexts();
  return (
    <ul className="cards" aria-label={t("list")}>
      {tickets.map((ticket) => {
        const next = pressing(ticket);
        return (
          <li key={ticket.id} className={selected.has(ticket.id) ? "cards-selected" : ""}>
            {onSelect && (
              <Checkbox
                aria-label={t("select", { id: ticket.id })}
                checked={selected.has(ticket.id)}
                onChange={() => onSelect(ticket.id)}
              />
            )}
            <Link to={pathOf(ticket)} className="card-link">
              <span className="card-head">
                <PriorityTag priority={ticket.priority} />
                <span className="id quiet">{ticket.id}</span>
                <StateTag state={ticket.status} />
              </span>
              <span className="card-title">{ticket.title}</span>
              <span className="card-foot quiet">
                <span>{word(ticket.kind)}</span>
                <span>{ticket.assignee ?? names("unassigned")}</span>
                {next ? <Countdown promised={next} since={since} /> : <When at={ticket.opened_at} />}
              </span>
            </Link>
          </li>
        );
      })}
    </ul>
  );
}
