import { lazy, Suspense } from "react";
import { NavLink, Route, Routes } from "react-router";
import { NotFound } from "../../layout/not-found";
import { Connections } from "./connections";
import "./studio.css";
import { useTexts } from "./texts";

const Catalogue = lazy(() => import("./catalogue"));
const ConnectionPage = lazy(() => import("./connection"));
const Drafts = lazy(() => import("./drafts"));
const Workspace = lazy(() => import("./workspace"));
const DeadLetters = lazy(() => import("./dead-letters"));
const History = lazy(() => import("./history"));

export default function Studio() {
  const t = useTexts();
  const places = [
    ["/studio", t("connections")],
    ["/studio/catalogue", t("catalogue")],
    ["/studio/drafts", t("drafts")],
    ["/studio/dead-letters", t("dead")],
    ["/studio/history", t("history")],
  ] as const;
  return (
    <>
      <nav className="studio-nav" aria-label={t("sections")}>
        {places.map(([to, name]) => (
          <NavLink key={to} to={to} end={to === "/studio"}>
            {name}
          </NavLink>
        ))}
      </nav>
      <Suspense fallback={null}>
        <Routes>
          <Route index element={<Connections />} />
          <Route path="catalogue" element={<Catalogue />} />
          <Route path="connections/:connection" element={<ConnectionPage />} />
          <Route path="drafts" element={<Drafts />} />
          <Route path="drafts/:draft/*" element={<Workspace />} />
          <Route path="dead-letters" element={<DeadLetters />} />
          <Route path="history" element={<History />} />
          <Route path="history/:generation" element={<History />} />
          <Route path="*" element={<NotFound />} />
        </Routes>
      </Suspense>
    </>
  );
}
