/** What the list is asked for; it stands in the address, so that a list can be sent to somebody and saved. */

export interface Question {
  q?: string;
  open?: boolean;
  status?: string[];
  priority?: string[];
  kind?: string[];
  group?: string[];
  assignee?: string;
  mine?: boolean;
  unassigned?: boolean;
  ungrouped?: boolean;
  my_groups?: boolean;
  device?: string;
  customer?: string;
  storm?: string;
  folded?: boolean;
  source?: string;
  sla?: "at_risk" | "overdue";
  order?: "newest" | "recent" | "urgent" | "due";
}

const MANY = ["status", "priority", "kind", "group"] as const;
const ONE = ["q", "assignee", "device", "customer", "storm", "source", "sla", "order"] as const;
const FLAGS = ["open", "mine", "unassigned", "ungrouped", "my_groups"] as const;

export function questionOf(search: URLSearchParams): Question {
  const asked: Record<string, unknown> = {};
  for (const name of MANY) if (search.has(name)) asked[name] = search.getAll(name).filter(Boolean);
  for (const name of ONE) if (search.get(name)) asked[name] = search.get(name);
  for (const name of FLAGS) if (search.get(name) === "true") asked[name] = true;
  const folded = search.get("folded");
  if (folded === "true" || folded === "false") asked.folded = folded === "true";
  return asked as Question;
}

export function addressOf(asked: Question): URLSearchParams {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(asked)) {
    if (value === undefined || value === "" || (value === false && name !== "folded")) continue;
    if (Array.isArray(value)) for (const each of value) search.append(name, each);
    else search.set(name, String(value));
  }
  return search;
}

/** Whether anything narrows the list; its order does not. */
export const narrows = (asked: Question): boolean => [...addressOf({ ...asked, order: undefined }).keys()].length > 0;
