/** How the desk's list is asked for, page by page; the same while the page's own code is still on its way. */
import { keepPreviousData, type QueryClient } from "@tanstack/react-query";
import { type Page as Answered, answer, api } from "../../api/client";
import type { Ticket } from "../../tickets/types";
import { questionOf } from "./question";

export const LIVE_MS = 5_000;
const PAGE = 50;
/** Of a list that was paged far down only the count stays live: reading hundreds anew every few seconds helps nobody. */
const LIVE_PAGES = 4;

/** The page of the list that begins behind a cursor. */
export function pageBehind(address: string, cursor: string) {
  return {
    queryKey: ["desk", "page", address, cursor],
    queryFn: ({ signal }: { signal: AbortSignal }) => {
      const query = { ...questionOf(new URLSearchParams(address)), limit: PAGE, ...(cursor ? { cursor } : {}) };
      return answer<Answered<Ticket>>(api.GET("/v1/tickets", { params: { query: query as never }, signal }));
    },
    staleTime: LIVE_MS - 500,
  };
}

/** The list as far as it was paged. */
export function listAt(queries: QueryClient, address: string) {
  return {
    queryKey: ["desk", "tickets", address],
    queryFn: ({ pageParam, signal }: { pageParam: string; signal: AbortSignal }) =>
      pageParam ? queries.fetchQuery(pageBehind(address, pageParam)) : pageBehind(address, "").queryFn({ signal }),
    initialPageParam: "",
    getNextPageParam: (last: Answered<Ticket>) => last.next_cursor ?? undefined,
    placeholderData: keepPreviousData,
  };
}

export const liveFor = (pages: number): number | false => (pages <= LIVE_PAGES ? LIVE_MS : false);
