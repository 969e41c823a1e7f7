/** One draft, step by step: connection, mappings, rules, what would change, publish. */
import { Input, Segmented, Spin } from "antd";
import { lazy, Suspense } from "react";
import { Navigate, Route, Routes, useLocation, useNavigate, useParams } from "react-router";
import { Page, ProblemAlert } from "../../parts";
import { DraftProvider, useDraft, useLoadedDraft } from "./draft";
import { useTexts } from "./texts";

const ConnectionStep = lazy(() => import("./connection-step"));
const MappingsStep = lazy(() => import("./mappings-step"));
const MappingEditor = lazy(() => import("./mapping-editor"));
const RulesStep = lazy(() => import("./rules-step"));
const ChangesStep = lazy(() => import("./changes-step"));
const PublishStep = lazy(() => import("./publish-step"));

export default function Workspace() {
  const { draft: id = "" } = useParams();
  const { data, error, refetch } = useLoadedDraft(id);
  const t = useTexts();
  if (error) {
    return (
      <Page title={t("drafts")}>
        <ProblemAlert error={error} retry={() => void refetch()} />
      </Page>
    );
  }
  if (!data) return <Spin delay={200} className="waiting" />;
  return (
    <DraftProvider key={id} loaded={data}>
      <Steps />
    </DraftProvider>
  );
}

function Steps() {
  const t = useTexts();
  const navigate = useNavigate();
  const { pathname } = useLocation();
  const { draft, saved, error, rename } = useDraft();
  const base = `/studio/drafts/${draft.id}`;
  const step = pathname.slice(base.length + 1).split("/")[0] || "connection";
  return (
    <Page
      title={draft.title}
      wide
      aside={
        <span className="studio-muted" role="status" style={{ marginInlineStart: 10 }}>
          {saved ? t("saved") : t("saving")}
        </span>
      }
      actions={
        <Input
          aria-label={t("draftTitle")}
          value={draft.title}
          maxLength={200}
          style={{ width: 260 }}
          onChange={(event) => event.target.value.trim() && rename(event.target.value)}
        />
      }
    >
      <Segmented
        className="studio-draft-nav"
        aria-label={t("parts")}
        style={{ maxWidth: "100%", overflowX: "auto" }}
        value={step}
        onChange={(to) => void navigate(`${base}/${to}`)}
        options={[
          { value: "connection", label: t("stepConnection") },
          { value: "mappings", label: t("stepMappings") },
          { value: "rules", label: t("stepRules") },
          { value: "changes", label: t("stepChanges") },
          { value: "publish", label: t("stepPublish") },
        ]}
      />
      {error !== null && (
        <div style={{ marginBottom: 12 }}>
          <ProblemAlert error={error} retry={() => window.location.reload()} />
        </div>
      )}
      <Suspense fallback={<Spin delay={200} className="waiting" />}>
        <Routes>
          <Route index element={<Navigate to="connection" replace />} />
          <Route path="connection" element={<ConnectionStep />} />
          <Route path="connection/:connection" element={<ConnectionStep />} />
          <Route path="mappings" element={<MappingsStep />} />
          <Route path="mappings/:mapping" element={<MappingEditor />} />
          <Route path="rules" element={<RulesStep />} />
          <Route path="changes" element={<ChangesStep />} />
          <Route path="publish" element={<PublishStep />} />
        </Routes>
      </Suspense>
    </Page>
  );
}
