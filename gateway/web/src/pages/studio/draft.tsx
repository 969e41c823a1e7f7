/** The draft one works on: kept here while one types, written to the hub a moment after one stops. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useRef, useState } from "react";
import { answer, api } from "../../api/client";
import { Problem } from "../../api/problem";
import type { ConnectionSpec, Draft, DraftBody } from "./shapes";

const QUIET_MS = 900;

interface Working {
  draft: Draft;
  body: DraftBody;
  /** Nothing that was written is unsaved. */
  saved: boolean;
  error: unknown;
  change: (how: (body: DraftBody) => DraftBody) => void;
  rename: (title: string) => void;
  /** Write what is unsaved now; whoever asks the hub about the draft waits for it. */
  flush: () => Promise<void>;
}

const DraftContext = createContext<Working | null>(null);

export function useDraft(): Working {
  const working = useContext(DraftContext);
  if (!working) throw new Error("useDraft stands outside DraftProvider");
  return working;
}

export const draftKey = (id: string) => ["studio", "draft", id];

export function useLoadedDraft(id: string) {
  return useQuery({
    queryKey: draftKey(id),
    queryFn: () => answer<Draft>(api.GET("/v1/studio/drafts/{draft}", { params: { path: { draft: id } } })),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
  });
}

export function DraftProvider({ loaded, children }: { loaded: Draft; children: ReactNode }) {
  const queries = useQueryClient();
  const [draft, setDraft] = useState(loaded);
  const [body, setBody] = useState(loaded.body);
  const [saved, setSaved] = useState(true);
  const [error, setError] = useState<unknown>(null);
  const latest = useRef({ body: loaded.body, title: loaded.title, version: loaded.version, dirty: false });
  const running = useRef<Promise<void> | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);

  const write = useCallback(async () => {
    while (latest.current.dirty) {
      const { body: sent, title, version } = latest.current;
      latest.current.dirty = false;
      try {
        const answered = await answer<Draft>(
          api.PUT("/v1/studio/drafts/{draft}", {
            params: { path: { draft: loaded.id } },
            body: { title, body: sent as never, version },
          }),
        );
        latest.current.version = answered.version;
        setDraft(answered);
        queries.setQueryData(draftKey(loaded.id), answered);
        setError(null);
      } catch (problem) {
        latest.current.dirty = true;
        setError(problem);
        throw problem;
      }
    }
    setSaved(true);
  }, [loaded.id, queries]);

  const flush = useCallback(async () => {
    clearTimeout(timer.current);
    await running.current?.catch(() => undefined);
    const written = write();
    running.current = written;
    await written;
  }, [write]);

  const later = useCallback(() => {
    latest.current.dirty = true;
    setSaved(false);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => void flush().catch(() => undefined), QUIET_MS);
  }, [flush]);

  useEffect(() => {
    const leaving = (event: BeforeUnloadEvent) => {
      if (latest.current.dirty) event.preventDefault();
    };
    window.addEventListener("beforeunload", leaving);
    return () => {
      window.removeEventListener("beforeunload", leaving);
      if (latest.current.dirty) void flush().catch(() => undefined);
    };
  }, [flush]);

  const working = useMemo<Working>(
    () => ({
      draft,
      body,
      saved,
      error: error instanceof Problem || error instanceof Error ? error : null,
      change: (how) => {
        latest.current.body = how(latest.current.body);
        setBody(latest.current.body);
        later();
      },
      rename: (title) => {
        latest.current.title = title;
        setDraft((old) => ({ ...old, title }));
        later();
      },
      flush,
    }),
    [draft, body, saved, error, later, flush],
  );
  return <DraftContext value={working}>{children}</DraftContext>;
}

/** One connection of the body changed. */
export function withConnection(body: DraftBody, id: string, how: (c: ConnectionSpec) => ConnectionSpec): DraftBody {
  return { ...body, connections: body.connections.map((c) => (c.id === id ? how(c) : c)) };
}

export async function beginDraft(title: string, body: Partial<DraftBody>): Promise<Draft> {
  return answer<Draft>(
    api.POST("/v1/studio/drafts", {
      body: { title, body: { connections: [], mappings: {}, rules: null, bridges: null, ...body } as never },
    }),
  );
}
