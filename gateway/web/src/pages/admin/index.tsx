import { Navigate, NavLink, Route, Routes } from "react-router";
import { NotAllowed, NotFound } from "../../layout/not-found";
import { Page } from "../../parts";
import { useSession } from "../../session";
import "./admin.css";
import { Audit } from "./audit";
import { Policies } from "./policies";
import { RetentionPage } from "./retention";
import { SettingsPage } from "./settings";
import { useTexts } from "./texts";
import { Tokens } from "./tokens";
import { Users } from "./users";

const PARTS = ["users", "tokens", "audit", "settings", "retention", "policies"] as const;

export default function Admin() {
  const t = useTexts();
  const { may } = useSession();
  if (!may("administer")) return <NotAllowed />;
  return (
    <Page title={t("title")}>
      <nav className="admin-parts" aria-label={t("title")}>
        {PARTS.map((part) => (
          <NavLink key={part} to={`/admin/${part}`}>
            {t(part)}
          </NavLink>
        ))}
      </nav>
      <Routes>
        <Route index element={<Navigate to="users" replace />} />
        <Route path="users" element={<Users />} />
        <Route path="tokens" element={<Tokens />} />
        <Route path="audit" element={<Audit />} />
        <Route path="settings" element={<SettingsPage />} />
        <Route path="retention" element={<RetentionPage />} />
        <Route path="policies" element={<Policies />} />
        <Route path="*" element={<NotFound />} />
      </Routes>
    </Page>
  );
}
