/** What the hub tells of tickets: the shapes of its answers. */

export interface Promised {
  name: string;
  title: string;
  title_zh: string;
  due: string;
  remaining_s: number;
  state: "ok" | "warn" | "breached" | "paused" | "kept" | "broken";
  calendar: string;
  met_at: string | null;
  by_hand: boolean;
}

export interface Withheld {
  what: string;
  why: string;
  why_zh: string;
}

/** A ticket in a list. Fields that one may not read are null or empty. */
export interface Ticket {
  id: string;
  kind: string;
  status: string;
  priority: string;
  title: string;
  description: string;
  labels: Record<string, string>;
  assignee: string | null;
  group: string | null;
  blocked_reason: string | null;
  blocked_text: string | null;
  resolution: string | null;
  cause: string | null;
  occurrences: number;
  version: number;
  url: string | null;
  connection: string | null;
  source_key: string | null;
  device: string | null;
  customer: string | null;
  storm_id: string | null;
  superseded_by: string | null;
  promises: Promised[] | null;
  opened_at: string | null;
  updated_at: string | null;
  resolved_at: string | null;
  confirmed_at: string | null;
  withheld?: Withheld[];
}

export interface Entry {
  id: string;
  at: string;
  type: "change" | "comment" | "note";
  name: string;
  actor: string;
  actor_kind: string;
  why: string;
  data: Record<string, unknown>;
  changes: { field: string; before: unknown; after: unknown }[];
}

export interface Attachment {
  number: number;
  name: string;
  media_type: string;
  size: number;
  sha256: string;
  label: string;
  by: string;
  at: string;
  href: string;
}

export interface Brief {
  id: string;
  title: string;
  status: string;
  kind: string;
  required?: boolean;
}

export interface Approval {
  number: number;
  state: string;
  text: string;
  asked_by: string;
  asked_at: string;
  awaited: string[];
  approvers: { approver: string; state?: string; answer?: string; text?: string; at: string | null; by?: string }[];
}

export interface Handoff {
  number: number;
  state: string;
  from_group: string | null;
  group: string;
  text: string;
  by: string;
  at: string;
  due: string | null;
  overdue: boolean;
  accepted_by: string | null;
  ended_by: string | null;
  ended_at: string | null;
  ended_text: string | null;
}

export interface Sent {
  id: string;
  connection: string;
  bridge: string;
  op: string;
  state: string;
  attempts: number;
  reason: string;
  created_at: string;
  done_at: string | null;
  echoed_at: string | null;
}

export interface Member {
  title: string;
  signal: string;
  at: string;
  resolved_at: string | null;
}

export interface WholeTicket extends Ticket {
  timeline: Entry[];
  watchers: string[];
  attachments: Attachment[];
  parent: Brief | null;
  children: Brief[];
  linked: Brief[];
  approvals: Approval[];
  handoffs: Handoff[];
  stays: { group: string | null; since: string; until: string | null; seconds: number }[];
  commands: Sent[];
  members: Member[];
}

export interface FormField {
  name: string;
  type:
    | "line"
    | "text"
    | "choice"
    | "person"
    | "approvers"
    | "group"
    | "time"
    | "flag"
    | "ticket"
    | "number"
    | "labels";
  label: string;
  label_zh: string;
  required: boolean;
  choices?: { value: string; label: string; label_zh: string }[];
}

export interface Missing {
  need: string;
  message: string;
  message_zh: string;
  how: string;
  how_zh: string;
  tickets: string[];
}

export interface Offered {
  name: string;
  label: string;
  label_zh: string;
  possible: boolean;
  why_not: string;
  why_not_zh: string;
  required: Missing[];
  fields: FormField[];
  many: boolean;
}

export interface Section {
  name: string;
  connection: string;
  question: string;
  status: "pending" | "ok" | "empty" | "failed";
  late?: boolean;
  as_of: string | null;
  latency_ms: number | null;
  link: string;
  reason: string;
  values: Record<string, unknown> | null;
}

export interface Person {
  id: string;
  name: string;
  active: boolean;
  groups: string[];
  on_shift: boolean | null;
}

export interface Group {
  id: string;
  name: string;
  members: string[];
}
