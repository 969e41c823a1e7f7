import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { App as Antd, Spin } from "antd";
import { lazy, type ReactNode, Suspense } from "react";
import { BrowserRouter, Route, Routes, useLocation } from "react-router";
import { Problem } from "./api/problem";
import { Frame } from "./layout";
import { NotFound } from "./layout/not-found";
import { listAt } from "./pages/desk/asking";
import { Boundary } from "./parts/boundary";
import { SESSION, SessionProvider, SignedIn } from "./session";
import { Themed } from "./theme";

// one file per page, fetched when it is first opened
const overview = () => import("./pages/overview");
const desk = () => import("./pages/desk");
const Overview = lazy(overview);
const Desk = lazy(desk);
const Ticket = lazy(() => import("./pages/ticket"));
const Studio = lazy(() => import("./pages/studio"));
const Lineage = lazy(() => import("./pages/lineage"));
const Identity = lazy(() => import("./pages/identity"));
const Admin = lazy(() => import("./pages/admin"));
const Progress = lazy(() => import("./pages/progress"));
const SignInPage = lazy(() => import("./pages/signin"));

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      // what was refused is refused again; what could not be reached may be there the next time
      retry: (failures, error) => !(error instanceof Problem && error.status < 500) && failures < 2,
    },
  },
});

// asked for while the page's own code is on its way and nothing is drawn yet
const { pathname, search } = window.location;
if (pathname === "/") void overview();
if (pathname === "/tickets") {
  void desk();
  const list = listAt(queries, new URLSearchParams(search).toString());
  void queries.fetchQuery(SESSION).then(
    ({ me }) => me && queries.prefetchInfiniteQuery(list),
    () => undefined, // the page asks again, and tells why not
  );
} else if (!pathname.startsWith("/p/")) void queries.prefetchQuery(SESSION);

function Shown({ children }: { children: ReactNode }) {
  const { pathname } = useLocation();
  return (
    <Boundary at={pathname}>
      <Suspense fallback={<Spin delay={200} className="waiting" />}>{children}</Suspense>
    </Boundary>
  );
}

function Pages() {
  return (
    <Shown>
      <Routes>
        <Route index element={<Overview />} />
        <Route path="tickets" element={<Desk />} />
        <Route path="tickets/:ticket" element={<Ticket />} />
        <Route path="studio/*" element={<Studio />} />
        <Route path="lineage/*" element={<Lineage />} />
        <Route path="identity/*" element={<Identity />} />
        <Route path="admin/*" element={<Admin />} />
        <Route path="*" element={<NotFound />} />
      </Routes>
    </Shown>
  );
}

function WithSession() {
  return (
    <SessionProvider>
      <Routes>
        <Route
          path="signin"
          element={
            <Shown>
              <SignInPage />
            </Shown>
          }
        />
        <Route
          path="*"
          element={
            <SignedIn>
              <Frame>
                <Pages />
              </Frame>
            </SignedIn>
          }
        />
      </Routes>
    </SessionProvider>
  );
}

export function App() {
  return (
    <QueryClientProvider client={queries}>
      <Themed>
        <Antd>
          <BrowserRouter>
            <Routes>
              {/* a customer with a signed link has no account and sees no navigation */}
              <Route
                path="p/:token"
                element={
                  <Shown>
                    <Progress />
                  </Shown>
                }
              />
              <Route path="*" element={<WithSession />} />
            </Routes>
          </BrowserRouter>
        </Antd>
      </Themed>
    </QueryClientProvider>
  );
}
