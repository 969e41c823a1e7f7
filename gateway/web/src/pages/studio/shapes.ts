/** What the hub answers to the studio. */
export interface Connector {
  name: string;
  title: string;
  title_zh: string;
  capabilities: string[];
  config_schema: Record<string, unknown>;
  secrets: string[];
  grade: "bronze" | "silver" | "gold" | null;
  manifest: boolean;
  mapped: string[];
  connections: string[];
}

export interface ConnectionSpec {
  id: string;
  connector: string;
  title?: string;
  config: Record<string, unknown>;
  enabled?: boolean;
  mappings?: Record<string, string>;
}

export interface Connection extends ConnectionSpec {
  state: {
    broken: string;
    status?: "unknown" | "ok" | "failing" | "needs_person" | "broken";
    reason?: string;
    failures?: number;
    circuit?: string;
    capabilities?: string[];
    inbound_url?: string | null;
  };
}

export interface DraftBody {
  connections: ConnectionSpec[];
  mappings: Record<string, string>;
  rules: string | null;
  bridges: string | null;
}

export interface Draft {
  id: string;
  title: string;
  body: DraftBody;
  base: number;
  version: number;
  made_at: string;
  changed_at: string;
}

export interface Place {
  path: string;
  message: string;
  hint: string;
  line: number | null;
  column: number | null;
}

export interface PartProblem extends Place {
  part: string;
}

export interface Change {
  kind: string;
  id: string;
  what: "added" | "changed" | "removed" | "unchanged";
  fields: string[];
  before?: string;
  after?: string;
}

export interface Review {
  problems: PartProblem[];
  changes: Change[];
  overtaken: string[];
}

export interface Health {
  ok: boolean;
  message: string;
  remote_version: string;
  missing_rights: { right: string; needed_for: string; grant_at: string }[];
}

export interface Stream {
  name: string;
  key: string[];
  mode: string;
  reads: boolean;
  mapping: string | null;
  becomes: string | null;
}

export interface Sample {
  key: string;
  text: string;
  message: string | null;
  at: string | null;
  end: string;
  rule: string;
}

export interface Step {
  text: string;
  operation: string;
  path: string | null;
  inputs: [string, unknown][];
  result: unknown;
  error: string | null;
}

export interface Tried {
  problems: Place[];
  sample_problems: Place[];
  paths: { path: string; kind: string; value: string }[];
  mapping: null | {
    name: string;
    target: string;
    version: string;
    tests: number;
    fields: { name: string; expression: string; line: number; kind: string; required: boolean; doc: string }[];
    left_out: { name: string; kind: string; doc: string; required: boolean }[];
    edges: { field: string; path: string; type: string; subtype: string; masking: boolean }[];
  };
  result: null | {
    end: "mapped" | "skipped" | "dead";
    values: Record<string, unknown>;
    errors: { field: string; message: string; expression: string }[];
    dead: null | { field: string; message: string; expression: string };
    where: null | { text: string; value: boolean; parts: string[] };
    chains: Record<
      string,
      { expression: string; value: unknown; error: null | { message: string; expression: string }; steps: Step[] }
    >;
  };
}

export interface Language {
  functions: { name: string; signature: string; doc: string; group: string; examples: string[] }[];
  records: {
    name: string;
    doc: string;
    fields: { name: string; kind: string; doc: string; required: boolean; choices: string[] }[];
  }[];
  mapping_keys: string[];
  rule_keys: string[];
  rules_on: string[];
  rule_names: string[];
  kinds: string[];
}

export interface Decided {
  rule: string | null;
  end: string;
  trace: { rule: string; matched: boolean; when: string; because: string[] }[];
  ticket: Record<string, unknown> | null;
  fault: { field: string; message: string } | null;
}

export interface BenchLine {
  message: string;
  at: string;
  connection: string;
  stream: string;
  key: string;
  kind: string;
  record: Record<string, unknown>;
  ended: { end: string; rule: string };
  now: Decided;
  then: Decided;
}

export interface TicketThen {
  title: string;
  kind: string;
  priority: string;
  status: string;
  device: string | null;
  opened_at: string;
  occurrences: number;
  fingerprint?: string | null;
  opened: { connection: string; stream: string; rule: string; at: string; message: string };
  fields?: { field: string; before: unknown; after: unknown }[];
}

export interface Report {
  window: { since: string; until: string; covered_since: string };
  messages: number;
  unreadable: number;
  stopped: string;
  seconds: number;
  per_second: number;
  read_now: Record<string, { records: number; error: string }>;
  connections: { connection: string; because: string[] }[];
  agreement: { same: number; other: number };
  moves: { now: string | null; then: string | null; messages: number; examples: string[] }[];
  tickets: { now: number; then: number; same: number; appear: number; vanish: number; change: number };
  by_field: Record<string, number>;
  appear: TicketThen[];
  vanish: TicketThen[];
  change: TicketThen[];
}

export interface Job {
  id: string;
  title: string;
  state: "running" | "done" | "cancelled" | "failed";
  done: number;
  total: number;
  error: string;
  asked_at: string;
  ended_at: string | null;
  report: Report | null;
}

export interface DeadGroup {
  connection_id: string;
  stream: string;
  path: string;
  reason: string;
  count: number;
  first_at: string;
  last_at: string;
}

export interface DeadLetter {
  message_id: string;
  connection_id: string;
  stream: string;
  path: string;
  reason: string;
  hint: string;
  at: string;
  replays: number;
  body?: string;
  topic?: string;
}

export interface Version {
  generation: number;
  at: string;
  actor: string;
  note: string;
  current: boolean;
  changes: Change[];
  against?: number | null;
}

export interface Span {
  at: string;
  calls: number;
  failures: number;
  received: number;
  read: number;
  dead: number;
  mean_ms: number | null;
  p50_ms: number | null;
  p95_ms: number | null;
}

export interface Telemetry {
  span_s: number;
  since: string;
  until: string;
  spans: Span[];
  shape: {
    at: string;
    stream: string;
    kind: "new" | "gone" | "type";
    path: string;
    was: string;
    now: string;
    concerns: string[];
  }[];
  dead_letters: number;
  health: { ok: boolean; since: string; checked_at: string; failures: number; reason: string } | null;
  syncs: {
    stream: string;
    finished_at: string | null;
    records: number;
    bad: number;
    error: string;
    held: number | null;
  }[];
}
