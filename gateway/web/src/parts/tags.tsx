import { Link } from "react-router";
import { useCommon } from "./texts";

export type TicketState = "pending" | "in_progress" | "blocked" | "resolved" | "closed";
export type Priority = "P0" | "P1" | "P2" | "P3";
const STATES = new Set<string>(["pending", "in_progress", "blocked", "resolved", "closed"]);
const PRIORITIES = new Set<string>(["P0", "P1", "P2", "P3"]);

/** A ticket's state, as a dot and a word. */
export function StateTag({ state }: { state: string }) {
  const t = useCommon();
  return (
    <span className={`state state-${state}`}>
      <i aria-hidden className="dot" />
      {STATES.has(state) ? t(state as TicketState) : state}
    </span>
  );
}

/** P0 to P3; the word is told on hover and to screen readers. */
export function PriorityTag({ priority, long = false }: { priority: string; long?: boolean }) {
  const t = useCommon();
  const words = PRIORITIES.has(priority) ? t(priority as Priority) : priority;
  return (
    <span className={`priority priority-${priority}`} title={words}>
      {long ? words : priority}
    </span>
  );
}

/** How something fares: a coloured dot and words; never colour alone. */
export function Health({ level, children }: { level: "good" | "warning" | "bad" | "off"; children: React.ReactNode }) {
  return (
    <span className={`state health-${level}`}>
      <i aria-hidden className="dot" />
      {children}
    </span>
  );
}

/** A ticket by its id, leading to its page. */
export function TicketLink({ id, title }: { id: string; title?: string }) {
  return (
    <Link to={`/tickets/${encodeURIComponent(id)}`} className="ticket-link">
      <span className="id">{id}</span>
      {title && <span className="ticket-title">{title}</span>}
    </Link>
  );
}
