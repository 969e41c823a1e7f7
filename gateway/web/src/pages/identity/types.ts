/** What the API tells of identity. */

export interface FoundThing {
  id: string;
  kind: string;
  name: string | null;
  by: "id" | "key" | "name";
  text: string;
  system: string;
  systems: string[];
}

export interface MergeEvent {
  id: number;
  a: string;
  b: string;
  winner: string;
  loser: string;
  at: string;
  actor: string;
  reason: string;
  already: boolean;
  undone_at: string | null;
  undone_by: string | null;
}

export interface Pair {
  a: string;
  b: string;
  at: string;
  actor: string;
}

export interface Key {
  system: string;
  local_id: string;
  birth_id: string;
  first_seen?: string;
  last_seen?: string;
}

export interface Thing {
  id: string;
  live: string;
  kind: string;
  name: string | null;
  crosswalk: Key[];
  merges: MergeEvent[];
  forbidden: Pair[];
}

export interface Candidate {
  field: string;
  value: unknown;
  system: string;
  birth_id: string;
  since: string;
  read_at: string;
  traceable: boolean;
}

export interface GoldenField extends Candidate {
  rule: string;
  others: Candidate[];
}

export interface Golden {
  id: string;
  live: string;
  fields: GoldenField[];
}

export interface Uses {
  tickets: number;
  latest: { id: string; title: string; status: string; priority: string }[];
  records: { connection: string; stream: string; count: number }[];
}

export interface Attribute {
  field: string;
  a: unknown;
  b: unknown;
  after: unknown;
  system: string;
  rule: string;
  conflict: boolean;
  strong: boolean;
}

export interface Preview {
  a: string;
  b: string;
  winner: string;
  loser: string;
  already: MergeEvent | null;
  moves: string[];
  keys: Key[];
  links: { connection: string; stream: string; records: number }[];
  tickets: { count: number; open: number; items: { id: string; title: string; status: string }[] };
  attributes: Attribute[];
  conflicts: string[];
  forbidden: Pair[];
}

export type Decision = "same" | "different" | "later";

export interface Review {
  id: number;
  kind: string;
  state: string;
  source: string;
  a: { id: string; live: string; name: string };
  b: { id: string; live: string; name: string };
  one_thing: boolean;
  weight: number;
  probability: number;
  reason: string;
  created_at: string;
  decided_at: string | null;
  decided_by: string | null;
  why: string;
}

export interface Evidence {
  field: string;
  a: string;
  b: string;
  level: string;
  bits: number;
  note: string;
}

export interface Side {
  id: string;
  live: string;
  crosswalk: Key[];
  fields: {
    field: string;
    value: unknown;
    system: string;
    rule: string;
    others: { system: string; value: unknown }[];
  }[];
}

export interface ReviewWhole extends Review {
  evidence: Evidence[];
  sides: { a: Side; b: Side };
  preview: Preview;
  merge: MergeEvent | null;
}

export interface Reviews {
  items: Review[];
  next_cursor: string | null;
  counts: Record<string, Record<string, number>>;
}
