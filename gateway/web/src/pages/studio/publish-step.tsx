import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Alert, App, Button, Flex, Input, Spin, Switch } from "antd";
import { useEffect, useState } from "react";
import { useNavigate } from "react-router";
import { answer, api } from "../../api/client";
import { EmptyWithAdvice, Panel, ProblemAlert } from "../../parts";
import { Changes } from "./diff";
import { useDraft } from "./draft";
import { Problems } from "./problems";
import type { Review } from "./shapes";
import { useTexts } from "./texts";

export default function PublishStep() {
  const t = useTexts();
  const { message } = App.useApp();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const { draft, flush, saved } = useDraft();
  const [note, setNote] = useState("");
  const [over, setOver] = useState(false);
  const [ready, setReady] = useState(false);
  useEffect(() => {
    void flush()
      .catch(() => undefined)
      .then(() => setReady(true));
  }, [flush]);
  const review = useQuery({
    queryKey: ["studio", "review", draft.id, draft.version],
    queryFn: () =>
      answer<Review>(api.POST("/v1/studio/drafts/{draft}/review", { params: { path: { draft: draft.id } } })),
    enabled: ready && saved,
    gcTime: 0,
  });
  const publish = useMutation({
    mutationFn: () =>
      answer<{ generation: number }>(
        api.POST("/v1/studio/drafts/{draft}/publish", {
          params: { path: { draft: draft.id } },
          body: { note, overwrite: over },
        }),
      ),
    onSuccess: async ({ generation }) => {
      message.success(t("published", { generation }));
      await navigate(`/studio/history/${generation}`);
      // the draft is gone: nothing of it may be asked for again
      await queries.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] !== "studio" });
    },
  });
  if (review.error) return <ProblemAlert error={review.error} retry={() => void review.refetch()} />;
  if (!review.data) return <Spin className="waiting" aria-label={t("reviewing")} />;
  const { problems, changes, overtaken } = review.data;
  if (problems.length > 0) return <Problems problems={problems} />;
  if (changes.length === 0)
    return <EmptyWithAdvice title={t("nothingToPublish")} advice={t("nothingToPublishAdvice")} />;
  return (
    <div className="studio-stack">
      {publish.error && <ProblemAlert error={publish.error} />}
      {overtaken.length > 0 && (
        <Alert
          type="warning"
          showIcon
          title={t("overtaken")}
          description={
            <Flex vertical gap={8}>
              <span>{overtaken.join(", ")}</span>
              <Flex gap={8} align="center">
                <Switch id="studio-over" size="small" checked={over} onChange={setOver} aria-label={t("overwrite")} />
                <label htmlFor="studio-over">{t("overwrite")}</label>
              </Flex>
            </Flex>
          }
        />
      )}
      <Panel title={t("review")}>
        <Changes changes={changes} />
        <Flex gap={8} wrap style={{ marginTop: 14 }}>
          <Input
            aria-label={t("note")}
            placeholder={t("note")}
            value={note}
            maxLength={300}
            onChange={(event) => setNote(event.target.value)}
            style={{ flex: "1 1 260px" }}
          />
          <Button
            type="primary"
            loading={publish.isPending}
            disabled={overtaken.length > 0 && !over}
            onClick={() => publish.mutate()}
          >
            {t("publish")}
          </Button>
        </Flex>
      </Panel>
    </div>
  );
}
