/** Who is signed in and what they may do. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Spin } from "antd";
import { createContext, type ReactNode, useContext, useEffect, useMemo } from "react";
import { Navigate, useLocation } from "react-router";
import { answer, api, bind } from "../api/client";
import { ProblemAlert } from "../parts/problem-alert";

export type Right = "read" | "act" | "configure" | "administer";

/** `GET /v1/me` */
export interface Me {
  login: string;
  name: string;
  actor: string;
  role: "viewer" | "agent" | "integrator" | "admin";
  rights: Right[];
  person: string | null;
  roles: string[];
  groups: string[];
  customer: string | null;
  limited: boolean;
  may_create: boolean;
  pages: { read: string[]; write: string[] };
  must_change_password: boolean;
  by: "session" | "token";
  has_password: boolean;
  csrf: string | null;
  expires_at: string | null;
}

/** `GET /v1/session` */
export interface SignIn {
  me: Me | null;
  methods: { password: boolean; oidc: { name: string; url: string } | null };
}

interface Session extends SignIn {
  /** Has this right: read, act, configure or administer. */
  may: (right: Right) => boolean;
  /** May reach a part of the API, by the beginning of its path; people with business roles may not reach all. */
  mayPage: (path: string, writes?: boolean) => boolean;
  signOut: () => Promise<void>;
  /** Ask anew who one is, after signing in or a change of password. */
  refresh: () => Promise<void>;
}

const SessionContext = createContext<Session | null>(null);
const KEY = ["session"];
/** Who is signed in, as the hub says. */
export const SESSION = {
  queryKey: KEY,
  queryFn: () => answer<SignIn>(api.GET("/v1/session")),
  staleTime: 60_000,
};

export function SessionProvider({ children }: { children: ReactNode }) {
  const queries = useQueryClient();
  const { data, error, refetch } = useQuery(SESSION);
  const me = data?.me ?? null;
  // before the children render: their first request must carry the token
  bind(me?.csrf ?? "", () => void queries.invalidateQueries({ queryKey: KEY }));
  const session = useMemo<Session | null>(() => {
    if (!data) return null;
    const reached = (path: string, pages: string[]) =>
      pages.some((page) => path === page || path.startsWith(`${page.replace(/\/$/, "")}/`));
    return {
      ...data,
      may: (right) => data.me?.rights.includes(right) ?? false,
      mayPage: (path, writes = false) =>
        data.me !== null && (!data.me.limited || reached(path, writes ? data.me.pages.write : data.me.pages.read)),
      signOut: async () => {
        await answer(api.DELETE("/v1/session"));
        queries.clear();
        await queries.invalidateQueries();
        window.location.assign("/signin");
      },
      refresh: async () => {
        await queries.invalidateQueries();
      },
    };
  }, [data, queries]);
  if (error && !data) {
    return (
      <main style={{ maxWidth: 560, margin: "15vh auto", padding: 16 }}>
        <ProblemAlert error={error} retry={() => void refetch()} />
      </main>
    );
  }
  if (!session) return <Spin fullscreen delay={300} />;
  return <SessionContext value={session}>{children}</SessionContext>;
}

export function useSession(): Session {
  const session = useContext(SessionContext);
  if (!session) throw new Error("useSession stands outside SessionProvider");
  return session;
}

/** Who is signed in; only below `SignedIn`. */
export function useMe(): Me {
  const { me } = useSession();
  if (!me) throw new Error("useMe stands outside SignedIn");
  return me;
}

/** Shows its children to who is signed in; sends others to the sign-in page and back. */
export function SignedIn({ children }: { children: ReactNode }) {
  const { me } = useSession();
  const { pathname, search, hash } = useLocation();
  if (!me) {
    const back = `${pathname}${search}${hash}`;
    return <Navigate to={back === "/" ? "/signin" : `/signin?next=${encodeURIComponent(back)}`} replace />;
  }
  if (me.must_change_password) return <Navigate to="/signin" replace />;
  return children;
}

/** The page's name in the browser's tab. */
export function useTitle(title: string): void {
  useEffect(() => {
    document.title = title ? `${title} · Weft 纬` : "Weft 纬";
  }, [title]);
}
