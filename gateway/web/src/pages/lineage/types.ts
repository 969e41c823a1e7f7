/** What the API tells of lineage. Times within an origin are microseconds since 1970 UTC. */

/** A field of a dataset; null: the dataset itself, that its records exist. */
export interface NodeRef {
  dataset: string;
  field: string | null;
}

export interface ShownNode extends NodeRef {
  system: string;
  depth: number;
  upstream_shown: number;
  upstream_total: number;
  downstream_shown: number;
  downstream_total: number;
}

export interface ShownEdge {
  source: NodeRef;
  target: NodeRef;
  type: string;
  subtype: string;
  masking: boolean;
  via: string;
}

export interface View {
  start: NodeRef;
  nodes: ShownNode[];
  edges: ShownEdge[];
  withheld: number;
  truncated: boolean;
}

export interface System {
  id: string;
  title: string;
  title_zh: string;
  connector: string;
  datasets: { dataset: string; fields: number; edges: number }[];
}

export interface Systems {
  items: System[];
  fields: number;
  edges: number;
}

export interface Found {
  items: (NodeRef & { system: string })[];
  total: number;
}

export type Side = "upstream" | "downstream";

/** Neighbours that somebody asked to see besides: of which field, on which side, how many. */
export interface Opening {
  node: NodeRef;
  side: Side;
  limit: number;
}

export type Verdict = "equal" | "changed outside the hub" | "not compared" | "erased" | "broken";

export interface Step {
  text: string;
  operation: string;
  inputs: [string, unknown][];
  result?: unknown;
  error?: string;
  path?: string;
}

export interface Trace {
  stage: number;
  mapping: string;
  version: string;
  field: string;
  expression: string;
  steps: Step[];
  value: unknown;
  error?: string;
}

export interface SourceField {
  system: string;
  dataset: string;
  key: string;
  field: string;
  raw: unknown;
  read_at: number;
  run: number | null;
}

export interface Fact {
  name: string;
  value: unknown;
  origin: string;
  xref?: [string, string, string];
  field?: string;
  derived?: Origin;
  source?: SourceField;
}

export interface Origin {
  field: string;
  at: number;
  actor: string;
  how: "mapped" | "as answered" | "fact" | "by hand";
  value: unknown;
  stored?: unknown;
  verdict: Verdict;
  run?: { uuid: string; job: string };
  stages: { mapping: string; version: string }[];
  traces: Trace[];
  sources: SourceField[];
  facts: Fact[];
  problem: string;
  systems?: Record<string, { title: string; title_zh: string; connector: string }>;
}

export interface Predicted {
  source: NodeRef;
  dataset: string;
  field: string | null;
  via: string;
  type: string;
  subtype: string;
}

export interface DoneEffect {
  rule: string;
  dataset: string;
  key: string;
  state: string;
  at: string;
  predicted: boolean;
}

export interface Impact {
  field: string;
  predicted: Predicted[];
  done: DoneEffect[];
}

export interface TicketFields {
  ticket: string;
  items: { field: string; value: unknown }[];
}
