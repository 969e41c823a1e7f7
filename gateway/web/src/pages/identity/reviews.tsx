/** Pairs that a person decides, the likeliest first. */
import { Flex, Segmented, Table, Typography } from "antd";
import { Link, useSearchParams } from "react-router";
import { EmptyWithAdvice, Loading, Panel, ProblemAlert, When } from "../../parts";
import { useReviews } from "./asking";
import { useTexts } from "./texts";
import type { Review } from "./types";
import { kindName } from "./words";

const STATES = ["open", "later", "same", "different"] as const;

export function ReviewList() {
  const t = useTexts();
  const [params, setParams] = useSearchParams();
  const state = STATES.find((each) => each === params.get("state")) ?? "open";
  const { data, error, refetch } = useReviews(state);
  return (
    <Flex vertical gap={14}>
      <Flex gap={12} wrap align="center">
        <Segmented
          aria-label={t("reviewQueue")}
          value={state}
          onChange={(wanted) => setParams(wanted === "open" ? {} : { state: wanted }, { replace: true })}
          options={STATES.map((value) => ({ value, label: t(`state_${value}`) }))}
        />
        <Typography.Text type="secondary">{t("reviewsAdvice")}</Typography.Text>
      </Flex>
      {error && <ProblemAlert error={error} retry={() => void refetch()} />}
      {!data && !error && <Loading />}
      {data?.items.length === 0 && <EmptyWithAdvice title={t("noReviews")} advice={t("noReviewsAdvice")} />}
      {data && data.items.length > 0 && (
        <Panel title={t("reviewQueue")} flush>
          <Table<Review>
            size="small"
            rowKey="id"
            dataSource={data.items}
            pagination={data.items.length > 50 ? { pageSize: 50, showSizeChanger: false } : false}
            scroll={{ x: 640 }}
            columns={[
              {
                title: t("thing"),
                render: (_, review) => (
                  <Link to={`/identity/reviews/${review.id}`} className="pair-link">
                    <b>{review.a.name || review.a.id}</b>
                    <span>≟</span>
                    <b>{review.b.name || review.b.id}</b>
                  </Link>
                ),
              },
              { title: t("allKinds"), render: (_, review) => kindName(review.kind, t), width: 110 },
              {
                title: t("evidence"),
                width: 200,
                render: (_, review) => (
                  <>
                    {t("probability", { p: (review.probability * 100).toFixed(1) })}
                    <div className="merge-reason">{review.reason}</div>
                  </>
                ),
              },
              {
                title: t("lastSeen"),
                width: 130,
                render: (_, review) => <When at={review.decided_at ?? review.created_at} />,
              },
            ]}
          />
        </Panel>
      )}
    </Flex>
  );
}
