import { Tabs } from "antd";
import { Navigate, Route, Routes, useLocation, useNavigate } from "react-router";
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
  const navigate = useNavigate();
  const here = useLocation().pathname.split("/")[2] ?? "";
  if (!may("administer")) return <NotAllowed />;
  return (
    <Page title={t("title")}>
      <Tabs
        activeKey={here}
        onChange={(part) => void navigate(`/admin/${part}`)}
        items={PARTS.map((part) => ({ key: part, label: t(part) }))}
      />
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
