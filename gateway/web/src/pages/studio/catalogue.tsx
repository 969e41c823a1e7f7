import { PlusOutlined } from "@ant-design/icons";
import { App, Button, Collapse, Flex, Input, Segmented, Spin } from "antd";
import { useMemo, useState } from "react";
import { useNavigate } from "react-router";
import { useLanguage } from "../../i18n";
import { EmptyWithAdvice, Page, ProblemAlert } from "../../parts";
import { useConnections, useConnectors } from "./calls";
import { beginDraft } from "./draft";
import type { Connector } from "./shapes";
import { useTexts } from "./texts";

const ABILITIES = ["reads", "receives", "subscribes", "answers", "writes"] as const;
const MEDALS = { gold: "#8a6500", silver: "#5b6770", bronze: "#8a4b1f" } as const;
const MEDALS_DARK = { gold: "#e3b949", silver: "#b7c2c9", bronze: "#d99a6c" } as const;

/** A free id for a new connection of this connector. */
export function freeId(connector: string, taken: string[]): string {
  const base = connector.replace(/[^a-z0-9_.-]/g, "-");
  if (!taken.includes(base)) return base;
  let n = 2;
  while (taken.includes(`${base}-${n}`)) n += 1;
  return `${base}-${n}`;
}

export function Grade({ grade }: { grade: Connector["grade"] }) {
  const t = useTexts();
  if (!grade) return <span className="studio-muted">{t("ungraded")}</span>;
  const dark = document.documentElement.dataset.look === "dark";
  return (
    <span className="studio-grade" style={{ color: (dark ? MEDALS_DARK : MEDALS)[grade] }} title={t("gradeNote")}>
      ● {t(grade)}
    </span>
  );
}

export default function Catalogue() {
  const t = useTexts();
  const { message } = App.useApp();
  const navigate = useNavigate();
  const [language] = useLanguage();
  const connectors = useConnectors();
  const connections = useConnections();
  const [words, setWords] = useState("");
  const [grade, setGrade] = useState("any");
  const shown = useMemo(() => {
    const wanted = words.trim().toLowerCase();
    return (connectors.data?.items ?? []).filter((c) => {
      const abilities = ABILITIES.filter((a) => c.capabilities.includes(a)).map((a) => t(a));
      const text = [c.name, c.title, c.title_zh, ...c.capabilities, ...abilities, ...c.mapped].join(" ").toLowerCase();
      return text.includes(wanted) && (grade === "any" || (c.grade ?? "none") === grade);
    });
  }, [connectors.data, words, grade, t]);

  const add = async (c: Connector) => {
    const taken = connections.data?.items.map((each) => each.id) ?? [];
    const id = freeId(c.name, taken);
    try {
      const name = language === "zh" ? c.title_zh : c.title;
      const draft = await beginDraft(t("addSystemTitle", { name }), {
        connections: [{ id, connector: c.name, title: name, config: {} }],
      });
      await navigate(`/studio/drafts/${draft.id}/connection/${id}`);
    } catch (error) {
      message.error(error instanceof Error ? error.message : String(error));
    }
  };

  return (
    <Page title={t("catalogue")} wide>
      <Flex gap={8} wrap style={{ marginBottom: 12 }}>
        <Input.Search
          allowClear
          aria-label={t("searchConnectors")}
          placeholder={t("searchConnectors")}
          value={words}
          onChange={(event) => setWords(event.target.value)}
          style={{ maxWidth: 320 }}
        />
        <Segmented
          aria-label={t("anyGrade")}
          value={grade}
          onChange={setGrade}
          options={[
            { value: "any", label: t("anyGrade") },
            { value: "gold", label: t("gold") },
            { value: "silver", label: t("silver") },
            { value: "bronze", label: t("bronze") },
          ]}
        />
      </Flex>
      {connectors.error && <ProblemAlert error={connectors.error} retry={() => void connectors.refetch()} />}
      {connectors.isLoading && <Spin delay={200} className="waiting" />}
      {connectors.data && shown.length === 0 && (
        <EmptyWithAdvice title={t("nothingFits")} advice={t("nothingFitsAdvice")} />
      )}
      <div className="studio-cards">
        {shown.map((c) => (
          <article key={c.name} className="studio-card" aria-labelledby={`connector-${c.name}`}>
            <div className="studio-card-head">
              <h2 id={`connector-${c.name}`}>{language === "zh" ? c.title_zh : c.title}</h2>
              <Grade grade={c.grade} />
            </div>
            <span className="studio-mono studio-muted">
              {c.name}
              {c.manifest ? ` · ${t("manifest")}` : ""}
            </span>
            <div className="studio-tags">
              {ABILITIES.filter((a) => c.capabilities.includes(a)).map((a) => (
                <span key={a} className="studio-tag">
                  {t(a)}
                </span>
              ))}
            </div>
            <div className="studio-card-foot">
              <span className="studio-muted">
                {c.connections.length > 0 && t("inUse", { list: c.connections.join(", ") })}
              </span>
              <Button
                size="small"
                icon={<PlusOutlined />}
                onClick={() => void add(c)}
                aria-label={`${t("add")}: ${language === "zh" ? c.title_zh : c.title}`}
              >
                {t("add")}
              </Button>
            </div>
          </article>
        ))}
      </div>
      {connectors.data && Object.keys(connectors.data.broken).length > 0 && (
        <Collapse
          style={{ marginTop: 16 }}
          items={[
            {
              key: "broken",
              label: t("brokenConnectors"),
              children: (
                <ul>
                  {Object.entries(connectors.data.broken).map(([name, why]) => (
                    <li key={name}>
                      <code>{name}</code>: {why}
                    </li>
                  ))}
                </ul>
              ),
            },
          ]}
        />
      )}
    </Page>
  );
}
