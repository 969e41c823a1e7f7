/** `GET /v1/overview`, and the events of `GET /v1/live`. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { answer, api } from "../../api/client";

export const PRIORITIES = ["P0", "P1", "P2", "P3"] as const;
export const ENDS = ["ticketed", "merged", "suppressed", "in_flight", "dead"] as const;
export type End = (typeof ENDS)[number];
export type Level = "good" | "warning" | "bad" | "off" | "unknown";
type ByPriority = Record<string, number>;

export interface Group {
  group: string | null;
  name: string | null;
  open: number;
  by_priority: ByPriority;
}

export interface Due {
  id: string;
  title: string | null;
  priority: string;
  assignee: string | null;
  group: string | null;
  resolution_due: string | null;
}

export interface Source {
  connection: string;
  received: number;
  ends: Partial<Record<End, number>>;
}

export interface ConnectionHealth {
  connection: string;
  connector: string;
  level: Level;
  reason: string;
  since: string | null;
}

export interface Sync {
  connection: string;
  stream: string;
  becomes: string;
  state: string;
  started_at: string | null;
  finished_at: string | null;
  held: number | null;
  bad: number;
  error: string | null;
}

export interface Overview {
  at: string;
  tickets: {
    open: number;
    complete: boolean;
    by_priority: ByPriority;
    by_group: Group[];
    overdue: number;
    at_risk: number;
    next_due: Due[];
  };
  flow: { since: string; hours: number; sources: Source[] } | null;
  connections: ConnectionHealth[] | null;
  syncs: Sync[] | null;
  dead_letters: { total: number; by_connection: Record<string, number> } | null;
  commands: { waiting: number; sending: number; refused: number; person: number } | null;
}

const KEY = ["overview"];

/** The figures, kept current by the hub's events; `live` while the line holds. */
export function useOverview() {
  const queries = useQueryClient();
  const [live, setLive] = useState(false);
  const asked = useQuery({
    queryKey: KEY,
    queryFn: ({ signal }) => answer<Overview>(api.GET("/v1/overview", { signal })),
    staleTime: Number.POSITIVE_INFINITY,
  });
  useEffect(() => {
    const events = new EventSource("/v1/live");
    events.addEventListener("open", () => setLive(true));
    events.addEventListener("error", () => setLive(false)); // it comes back by itself
    events.addEventListener("overview", (event) => {
      queries.setQueryData(KEY, JSON.parse((event as MessageEvent<string>).data) as Overview);
    });
    return () => events.close();
  }, [queries]);
  return { ...asked, live };
}
