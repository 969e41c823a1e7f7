/** What the pages of identity ask the hub for, and tell it. */
import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { answer, api } from "../../api/client";
import type { Decision, FoundThing, Golden, MergeEvent, Preview, Reviews, ReviewWhole, Thing, Uses } from "./types";

const path = (global_id: string) => ({ params: { path: { global_id } } });

export function useFoundThings(q: string, kinds: string[]) {
  return useQuery({
    queryKey: ["ids", "search", q, kinds],
    queryFn: ({ signal }) =>
      answer<{ items: FoundThing[] }>(
        api.GET("/v1/ids/search", {
          params: { query: { q, limit: 50, ...(kinds.length > 0 && { kind: kinds }) } },
          signal,
        }),
      ),
    enabled: q.trim() !== "",
    placeholderData: keepPreviousData,
  });
}

export function useThing(id: string) {
  return useQuery({
    queryKey: ["ids", "thing", id],
    queryFn: ({ signal }) => answer<Thing>(api.GET("/v1/ids/{global_id}", { ...path(id), signal })),
  });
}

export function useGolden(id: string) {
  return useQuery({
    queryKey: ["ids", "golden", id],
    queryFn: ({ signal }) => answer<Golden>(api.GET("/v1/ids/{global_id}/golden", { ...path(id), signal })),
  });
}

export function useUses(id: string) {
  return useQuery({
    queryKey: ["ids", "uses", id],
    queryFn: ({ signal }) => answer<Uses>(api.GET("/v1/ids/{global_id}/uses", { ...path(id), signal })),
  });
}

export function usePreview(a: string, b: string | null) {
  return useQuery({
    queryKey: ["merge-preview", a, b], // not of "ids": what was just merged is not asked about again
    queryFn: ({ signal }) => answer<Preview>(api.POST("/v1/ids/merge/preview", { body: { a, b: b ?? "" }, signal })),
    enabled: b !== null,
    gcTime: 0,
    staleTime: 0,
  });
}

export function useReviews(state: string) {
  return useQuery({
    queryKey: ["ids", "reviews", state],
    queryFn: ({ signal }) =>
      answer<Reviews>(
        api.GET("/v1/ids/reviews", { params: { query: { state: [state as "open"], limit: 200 } }, signal }),
      ),
  });
}

export function useReview(number: number | null) {
  return useQuery({
    queryKey: ["ids", "review", number],
    queryFn: ({ signal }) =>
      answer<ReviewWhole>(api.GET("/v1/ids/reviews/{number}", { params: { path: { number: number ?? 0 } }, signal })),
    enabled: number !== null,
  });
}

/** Changes of identity: after each, all that was asked about identity is asked anew. */
function useChange<V, A>(change: (values: V) => Promise<A>) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: change,
    onSuccess: () => queries.invalidateQueries({ queryKey: ["ids"] }),
  });
}

export const useMerge = () =>
  useChange((body: { a: string; b: string; reason: string }) =>
    answer<MergeEvent>(api.POST("/v1/ids/merge", { body })),
  );

export const useUndo = () =>
  useChange((merge: number) =>
    answer<MergeEvent>(api.POST("/v1/ids/merges/{merge}/undo", { params: { path: { merge } } })),
  );

export const useSplit = () =>
  useChange((s: { id: string; out: string[]; reason: string; apart: boolean }) =>
    answer<{ stayed: string; left: string }>(
      api.POST("/v1/ids/{global_id}/split", { ...path(s.id), body: { out: s.out, reason: s.reason, apart: s.apart } }),
    ),
  );

export const useAllow = () =>
  useChange((pair: { a: string; b: string }) =>
    answer<unknown>(api.DELETE("/v1/ids/apart", { params: { query: { a: pair.a, b: pair.b } } })),
  );

export const useDecide = () =>
  useChange((d: { number: number; decision: Decision; why: string }) =>
    answer<ReviewWhole>(
      api.POST("/v1/ids/reviews/{number}/decide", {
        params: { path: { number: d.number } },
        body: { decision: d.decision, why: d.why },
      }),
    ),
  );
