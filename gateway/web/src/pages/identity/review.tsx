/** One pair side by side: the evidence of each field, what merging would move, and the decision. */
import { App, Button, Flex, Input, Table, Typography } from "antd";
import { useState } from "react";
import { Link, useNavigate, useParams } from "react-router";
import { Loading, Page, Panel, ProblemAlert, When } from "../../parts";
import { useSession } from "../../session";
import { useDecide, useReview } from "./asking";
import { PreviewShown } from "./preview";
import { useTexts } from "./texts";
import type { Decision, Evidence, ReviewWhole, Side } from "./types";
import { kindName, told } from "./words";

const DONE = { same: "decidedSame", different: "decidedDifferent", later: "decidedLater" } as const;

export function ReviewPage() {
  const t = useTexts();
  const { number = "" } = useParams();
  const { data, error, refetch } = useReview(/^\d+$/.test(number) ? Number(number) : null);
  return (
    <Page
      title={t("review", { id: number })}
      aside={
        data && (
          <Typography.Text type="secondary">
            {kindName(data.kind, t)} · {t("probability", { p: (data.probability * 100).toFixed(1) })} ·{" "}
            {t("weight", { w: data.weight })}
          </Typography.Text>
        )
      }
      actions={<Link to="/identity/reviews">{t("backToList")}</Link>}
    >
      {error && <ProblemAlert error={error} retry={() => void refetch()} />}
      {!data && !error && <Loading />}
      {data && <Whole review={data} />}
    </Page>
  );
}

function Whole({ review }: { review: ReviewWhole }) {
  const t = useTexts();
  const state = (["same", "different", "later"] as const).find((each) => each === review.state);
  return (
    <Flex vertical gap={14}>
      <div className="halves">
        <SideShown side={review.sides.a} name={review.a.name} title={t("left")} />
        <SideShown side={review.sides.b} name={review.b.name} title={t("right")} />
      </div>
      <EvidenceTable review={review} />
      {state && review.decided_by && (
        <p>
          {t("decidedBy", { actor: review.decided_by, what: t(`state_${state}`) })} · <When at={review.decided_at} />
          {review.why && ` · ${review.why}`}
        </p>
      )}
      <Panel title={t("preview")}>
        <PreviewShown preview={review.preview} />
      </Panel>
      <Decide review={review} />
    </Flex>
  );
}

function SideShown({ side, name, title }: { side: Side; name: string; title: string }) {
  return (
    <Panel
      title={
        <>
          {title} · {name || side.id}
        </>
      }
      extra={
        <Link to={`/identity/${side.live}`} className="id">
          {side.live}
        </Link>
      }
    >
      <dl className="raw">
        {side.fields.map((field) => (
          <div key={field.field}>
            <dt>{field.field}</dt>
            <dd>
              {told(field.value)} <Typography.Text type="secondary">{field.system}</Typography.Text>
            </dd>
          </div>
        ))}
        <div>
          <dt>↔</dt>
          <dd>{side.crosswalk.map((key) => `${key.system} ${key.local_id}`).join(", ")}</dd>
        </div>
      </dl>
    </Panel>
  );
}

function EvidenceTable({ review }: { review: ReviewWhole }) {
  const t = useTexts();
  const most = Math.max(1, ...review.evidence.map((each) => Math.abs(each.bits)));
  return (
    <Panel title={t("evidenceOf")} flush>
      <Table<Evidence>
        size="small"
        rowKey={(each) => `${each.field} ${each.level}`}
        dataSource={review.evidence}
        pagination={false}
        columns={[
          { title: t("field"), dataIndex: "field" },
          { title: t("left"), render: (_, each) => <span className="wrap">{told(each.a)}</span> },
          { title: t("right"), render: (_, each) => <span className="wrap">{told(each.b)}</span> },
          {
            title: t("finding"),
            render: (_, each) => (
              <>
                {each.level}
                {each.note && <div className="merge-reason">{each.note}</div>}
              </>
            ),
          },
          {
            title: t("bits"),
            width: 110,
            render: (_, each) => (
              <span className={`bits ${each.bits < 0 ? "bits-against" : "bits-for"}`}>
                <i aria-hidden style={{ width: `${(Math.abs(each.bits) / most) * 60}px` }} />
                {each.bits > 0 ? "+" : ""}
                {each.bits.toFixed(1)}
              </span>
            ),
          },
        ]}
      />
    </Panel>
  );
}

function Decide({ review }: { review: ReviewWhole }) {
  const t = useTexts();
  const { may } = useSession();
  const navigate = useNavigate();
  const { message } = App.useApp();
  const [why, setWhy] = useState("");
  const decide = useDecide();
  if (!may("configure")) return <Typography.Text type="secondary">{t("rightsMissing")}</Typography.Text>;
  const say = (decision: Decision) =>
    decide.mutate(
      { number: review.id, decision, why },
      {
        onSuccess: () => {
          void message.success(t(DONE[decision]));
          void navigate("/identity/reviews");
        },
      },
    );
  return (
    <div className="decide">
      {decide.error && <ProblemAlert error={decide.error} />}
      <Flex gap={8} wrap>
        <Input
          style={{ flex: 1, minWidth: 200 }}
          value={why}
          onChange={(event) => setWhy(event.target.value)}
          placeholder={t("reasonAdvice")}
          aria-label={t("reason")}
          maxLength={500}
        />
        <Button
          type="primary"
          loading={decide.isPending}
          disabled={review.preview.forbidden.length > 0}
          onClick={() => say("same")}
        >
          {t("same")}
        </Button>
        <Button loading={decide.isPending} onClick={() => say("different")}>
          {t("different")}
        </Button>
        <Button type="text" loading={decide.isPending} onClick={() => say("later")}>
          {t("later")}
        </Button>
      </Flex>
    </div>
  );
}
