/** What the pages of lineage ask the hub for. */
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { answer, api } from "../../api/client";
import { type Address, openingText } from "./address";
import type { Found, Impact, NodeRef, Origin, Systems, TicketFields, View } from "./types";

export function useSystems() {
  return useQuery({
    queryKey: ["lineage", "systems"],
    queryFn: ({ signal }) => answer<Systems>(api.GET("/v1/lineage/systems", { signal })),
    staleTime: 60_000,
  });
}

export function useFound(q: string, dataset?: string) {
  return useQuery({
    queryKey: ["lineage", "search", q, dataset],
    queryFn: ({ signal }) =>
      answer<Found>(
        api.GET("/v1/lineage/search", {
          params: { query: { q, limit: dataset ? 500 : 30, ...(dataset && { dataset }) } },
          signal,
        }),
      ),
    enabled: q.trim() !== "" || dataset !== undefined,
    placeholderData: keepPreviousData,
  });
}

/** The part of an address that says which view it is. */
export function viewQuery(node: NodeRef, address: Address) {
  return {
    dataset: node.dataset,
    ...(node.field !== null && { field: node.field }),
    depth: address.depth,
    opened: address.opened.map(openingText),
    system: address.systems,
    type: address.types as ("DIRECT" | "INDIRECT")[],
  };
}

export function useView(node: NodeRef, address: Address) {
  const query = viewQuery(node, address);
  return useQuery<View>({
    queryKey: ["lineage", "view", query],
    queryFn: ({ signal }) => answer<View>(api.GET("/v1/lineage/view", { params: { query }, signal })),
    placeholderData: (before) =>
      before && before.start.dataset === node.dataset && before.start.field === node.field ? before : undefined,
  });
}

export function useTicketFields(ticket: string) {
  return useQuery({
    queryKey: ["lineage", "fields", ticket],
    queryFn: ({ signal }) =>
      answer<TicketFields>(api.GET("/v1/tickets/{ticket}/lineage/fields", { params: { path: { ticket } }, signal })),
  });
}

export function useOrigin(ticket: string, field: string) {
  return useQuery({
    queryKey: ["lineage", "origin", ticket, field],
    queryFn: ({ signal }) =>
      answer<Origin>(
        api.GET("/v1/tickets/{ticket}/lineage", { params: { path: { ticket }, query: { field } }, signal }),
      ),
  });
}

export function useImpact(ticket: string, field: string) {
  return useQuery({
    queryKey: ["lineage", "impact", ticket, field],
    queryFn: ({ signal }) =>
      answer<Impact>(
        api.GET("/v1/tickets/{ticket}/impact", { params: { path: { ticket }, query: { field } }, signal }),
      ),
  });
}
