import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { App, Button, Flex, Popconfirm, Spin } from "antd";
import { Link, useParams } from "react-router";
import { answer, api, type Page as PageOf } from "../../api/client";
import { EmptyWithAdvice, Health, Page, Panel, ProblemAlert, useCommon, When } from "../../parts";
import { Changes, kindName } from "./diff";
import type { Version } from "./shapes";
import { useTexts } from "./texts";

export default function History() {
  const t = useTexts();
  const common = useCommon();
  const { generation } = useParams();
  const versions = useInfiniteQuery({
    queryKey: ["configuration", "versions"],
    queryFn: ({ pageParam }) =>
      answer<PageOf<Version>>(
        api.GET("/v1/configuration/versions", { params: { query: pageParam ? { cursor: Number(pageParam) } : {} } }),
      ),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });
  const items = versions.data?.pages.flatMap((page) => page.items) ?? [];
  const chosen = generation ? Number(generation) : items[0]?.generation;
  return (
    <Page title={t("history")} wide>
      {versions.error && <ProblemAlert error={versions.error} retry={() => void versions.refetch()} />}
      {versions.data && items.length === 0 && <EmptyWithAdvice title={t("noHistory")} advice={t("noHistoryAdvice")} />}
      {items.length > 0 && (
        <div className="studio-columns" style={{ gridTemplateColumns: undefined }}>
          <Panel title={t("history")} flush>
            <table className="studio-values">
              <tbody>
                {items.map((v) => (
                  <tr key={v.generation} className={v.generation === chosen ? "chosen" : undefined}>
                    <th scope="row">
                      <Link
                        to={`/studio/history/${v.generation}`}
                        aria-current={v.generation === chosen ? "true" : undefined}
                      >
                        {v.generation}
                      </Link>
                    </th>
                    <td style={{ fontFamily: "inherit" }}>
                      <Flex justify="space-between" gap="2px 12px" wrap>
                        <span>
                          <strong>{v.actor || t("someone")}</strong>
                          {v.note && ` · ${v.note}`} {v.current && <Health level="good">{t("current")}</Health>}
                        </span>
                        <When at={v.at} />
                      </Flex>
                      <div className="studio-muted">
                        {v.changes
                          .map(
                            (c) =>
                              `${t(c.what === "unchanged" ? "unchangedWhat" : c.what)} ${kindName(t, c.kind)} ${c.id}`,
                          )
                          .join(" · ")}
                      </div>
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
            {versions.hasNextPage && (
              <Button type="link" loading={versions.isFetchingNextPage} onClick={() => void versions.fetchNextPage()}>
                {common("more")}
              </Button>
            )}
          </Panel>
          {chosen !== undefined && <One key={chosen} generation={chosen} />}
        </div>
      )}
    </Page>
  );
}

function One({ generation }: { generation: number }) {
  const t = useTexts();
  const { message } = App.useApp();
  const queries = useQueryClient();
  const version = useQuery({
    queryKey: ["configuration", "version", generation],
    queryFn: () =>
      answer<Version>(api.GET("/v1/configuration/versions/{generation}", { params: { path: { generation } } })),
  });
  const restore = useMutation({
    mutationFn: () =>
      answer(
        api.POST("/v1/configuration/versions/{generation}/restore", {
          params: { path: { generation } },
          body: { note: "", dry_run: false },
        }),
      ),
    onSuccess: async () => {
      message.success(t("restored", { n: generation }));
      await queries.invalidateQueries();
    },
  });
  if (version.error) return <ProblemAlert error={version.error} retry={() => void version.refetch()} />;
  if (!version.data) return <Spin className="waiting" />;
  const { current, changes, against } = version.data;
  return (
    <Panel
      title={against ? t("against", { n: against }) : t("version", { version: generation })}
      extra={
        !current && (
          <Popconfirm
            title={t("restoreSure", { n: generation })}
            onConfirm={() => restore.mutateAsync().catch(() => undefined)}
          >
            <Button size="small" loading={restore.isPending}>
              {t("restore")}
            </Button>
          </Popconfirm>
        )
      }
    >
      {restore.error && <ProblemAlert error={restore.error} />}
      <Changes changes={changes} />
    </Panel>
  );
}
