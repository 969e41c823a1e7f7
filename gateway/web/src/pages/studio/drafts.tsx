import { PlusOutlined } from "@ant-design/icons";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { App, Button, Popconfirm, Table } from "antd";
import { useCallback, useEffect, useRef } from "react";
import { Link, useNavigate, useSearchParams } from "react-router";
import { answer, api, type Page as PageOf } from "../../api/client";
import { EmptyWithAdvice, Page, ProblemAlert, When } from "../../parts";
import { beginDraft } from "./draft";
import type { Draft } from "./shapes";
import { useTexts } from "./texts";

export default function Drafts() {
  const t = useTexts();
  const { message } = App.useApp();
  const navigate = useNavigate();
  const [search] = useSearchParams();
  const queries = useQueryClient();
  const begun = useRef(false);
  const { data, error, isLoading, refetch } = useQuery({
    queryKey: ["studio", "drafts"],
    queryFn: () => answer<PageOf<Draft>>(api.GET("/v1/studio/drafts")),
  });
  const begin = useCallback(
    async (title: string, step: string) => {
      try {
        const draft = await beginDraft(title, {});
        await navigate(`/studio/drafts/${draft.id}/${step}`, { replace: step !== "" });
      } catch (problem) {
        message.error(problem instanceof Error ? problem.message : String(problem));
      }
    },
    [navigate, message],
  );
  const wanted = search.get("new");
  useEffect(() => {
    if (wanted !== "rules" || begun.current) return;
    begun.current = true;
    void begin(t("rulesTitle"), "rules");
  }, [wanted, begin, t]);

  const remove = async (draft: Draft) => {
    await answer(api.DELETE("/v1/studio/drafts/{draft}", { params: { path: { draft: draft.id } } }));
    await queries.invalidateQueries({ queryKey: ["studio", "drafts"] });
  };
  const contents = (d: Draft) =>
    [
      d.body.connections.map((c) => c.id).join(", "),
      Object.keys(d.body.mappings).join(", "),
      d.body.rules === null ? "" : t("withRules"),
    ]
      .filter(Boolean)
      .join(" · ") || "–";

  return (
    <Page
      title={t("drafts")}
      actions={
        <Button type="primary" icon={<PlusOutlined />} onClick={() => void begin(t("newDraft"), "")}>
          {t("newDraft")}
        </Button>
      }
    >
      {error && <ProblemAlert error={error} retry={() => void refetch()} />}
      {data?.items.length === 0 ? (
        <EmptyWithAdvice title={t("noDrafts")} advice={t("noDraftsAdvice")} />
      ) : (
        <Table<Draft>
          size="small"
          rowKey="id"
          loading={isLoading}
          dataSource={data?.items ?? []}
          pagination={false}
          scroll={{ x: 560 }}
          columns={[
            { title: t("draftTitle"), render: (_, d) => <Link to={`/studio/drafts/${d.id}`}>{d.title}</Link> },
            { title: t("contents"), render: (_, d) => <span className="studio-muted">{contents(d)}</span> },
            { title: t("changedAt"), render: (_, d) => <When at={d.changed_at} /> },
            {
              title: <span className="unseen">{t("deleteDraft")}</span>,
              align: "end",
              render: (_, d) => (
                <Popconfirm title={t("deleteSure")} onConfirm={() => remove(d)}>
                  <Button size="small" type="text" aria-label={`${t("deleteDraft")}: ${d.title}`}>
                    {t("deleteDraft")}
                  </Button>
                </Popconfirm>
              ),
            },
          ]}
        />
      )}
    </Page>
  );
}
