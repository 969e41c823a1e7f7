/**
 * The typed client of the hub's API. Its types are made from the API's own description (`make web` or `make check`):
 * paths, parameters and bodies are checked by the compiler.
 *
 *     const { data } = useQuery({ queryKey: ["ticket", id], queryFn: ({ signal }) =>
 *       answer<Ticket>(api.GET("/v1/tickets/{ticket}", { params: { path: { ticket: id } }, signal })) });
 */
import createClient, { type Middleware } from "openapi-fetch";
import { Problem } from "./problem";
import type { paths } from "./schema";

let csrf = "";
let onSignedOut: () => void = () => undefined;

/** The session tells the client its token against forged requests, and what to do when the hub knows us no more. */
export function bind(token: string, signedOut: () => void): void {
  csrf = token;
  onSignedOut = signedOut;
}

const SAFE = new Set(["GET", "HEAD", "OPTIONS"]);

const asSession: Middleware = {
  onRequest({ request }) {
    if (!SAFE.has(request.method)) request.headers.set("X-CSRF-Token", csrf);
    return request;
  },
  onResponse({ request, response }) {
    if (response.status === 401 && !new URL(request.url).pathname.startsWith("/v1/session")) onSignedOut();
    return response;
  },
};

export const api = createClient<paths>({ baseUrl: "/", credentials: "same-origin" });
api.use(asSession);

/** The answer's content, or the Problem thrown. `A`: its shape, where the API's description does not tell it. */
export async function answer<A>(asked: Promise<{ data?: unknown; error?: unknown; response: Response }>): Promise<A> {
  const { data, error, response } = await asked;
  if (!response.ok) throw new Problem(response.status, error);
  return data as A;
}

/** The headers of a request that the client does not make itself, such as an upload with progress. */
export const unsafeHeaders = (): Record<string, string> => ({ "X-CSRF-Token": csrf });

/** A page of a list. */
export interface Page<Item> {
  items: Item[];
  next_cursor: string | null;
}
