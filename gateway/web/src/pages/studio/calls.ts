/** What several pages of the studio ask the hub. */
import { useQuery } from "@tanstack/react-query";
import { answer, api, type Page } from "../../api/client";
import type { Connection, Connector, Language, Stream } from "./shapes";

export function useConnectors() {
  return useQuery({
    queryKey: ["connectors"],
    queryFn: () => answer<{ items: Connector[]; broken: Record<string, string> }>(api.GET("/v1/connectors")),
    staleTime: 60_000,
  });
}

export function useConnections() {
  return useQuery({
    queryKey: ["connections"],
    queryFn: () => answer<Page<Connection>>(api.GET("/v1/connections")),
    refetchInterval: 15_000,
  });
}

export function useLanguageOfMappings() {
  return useQuery({
    queryKey: ["studio", "language"],
    queryFn: () => answer<Language>(api.GET("/v1/studio/language")),
    staleTime: Number.POSITIVE_INFINITY,
  });
}

/** Streams of a connection as the draft has it. `version`: asked anew when the connection's settings were saved. */
export function useStreams(draft: string, connection: string, enabled: boolean) {
  return useQuery({
    queryKey: ["studio", "streams", draft, connection],
    queryFn: () =>
      answer<{ items: Stream[] }>(
        api.GET("/v1/studio/drafts/{draft}/connections/{connection}/streams", {
          params: { path: { draft, connection } },
        }),
      ),
    enabled: enabled && connection !== "",
    retry: false,
  });
}
