import { CheckOutlined } from "@ant-design/icons";
import { useMutation, useQuery } from "@tanstack/react-query";
import { Button, Progress } from "antd";
import { lazy, type ReactNode, Suspense } from "react";
import { answer, api } from "../../api/client";
import { EmptyWithAdvice, Health, Loading, Panel, ProblemAlert, TicketLink, When } from "../../parts";
import { useSession } from "../../session";
import type { Section, WholeTicket } from "../../tickets/types";
import { useWord } from "../../tickets/words";
import type { Limits, Series } from "./charts";
import { FieldValue } from "./field-value";
import { useTexts } from "./texts";

const Chart = lazy(() => import("./charts"));
const OWN = new Set(["device_twin", "similar_tickets", "similar_articles"]);
const ROWS = 12;

interface Gauge {
  name: string;
  unit: string | null;
  value: string;
  at: string;
  quality: string;
  limits: Limits | null;
}
interface Percent {
  name: string;
  section: string;
  value: string;
  at: string;
}
interface Charts {
  series: Series[];
  gauges: Gauge[];
  percents: Percent[];
  opened_at: string;
}
interface Solved {
  id: string;
  title: string;
  resolution: string | null;
  cause: string | null;
  worth: number;
}
interface Article {
  connection: string;
  id: string;
  title: string;
  url: string | null;
  excerpt: string;
}

/** What every connected system knows of it, as cards. */
export function Context({ ticket }: { ticket: WholeTicket }) {
  const t = useTexts();
  const params = { path: { ticket: ticket.id } };
  const context = useQuery({
    queryKey: ["ticket", ticket.id, "context"],
    queryFn: () =>
      answer<{ complete: boolean; sections: Section[] }>(api.GET("/v1/tickets/{ticket}/context", { params })),
    refetchInterval: ({ state }) => (state.data?.complete ? 30_000 : 2_000),
  });
  const charts = useQuery({
    queryKey: ["ticket", ticket.id, "series"],
    queryFn: () => answer<Charts>(api.GET("/v1/tickets/{ticket}/series", { params })),
    refetchInterval: 10_000,
  });
  if (context.error) return <ProblemAlert error={context.error} retry={() => void context.refetch()} />;
  if (!context.data) return <Loading />;
  const { sections } = context.data;
  const values = (name: string) => sections.find((section) => section.name === name)?.values;
  const solved = (values("similar_tickets")?.tickets ?? []) as Solved[];
  const articles = (values("similar_articles")?.articles ?? []) as Article[];
  const others = sections.filter((section) => !OWN.has(section.name));
  const known = charts.data;
  if (sections.length === 0 && !known?.gauges.length) {
    return <EmptyWithAdvice title={t("noContext")} advice={t("noContextAdvice")} />;
  }
  return (
    <div className="context">
      {known && (known.gauges.length > 0 || known.percents.length > 0) && (
        <Panel title={t("gauges")}>
          <div className="gauges">
            {known.percents.map((each) => (
              <Share key={each.section} percent={each} />
            ))}
            {known.gauges.map((each) => (
              <OneGauge key={each.name} gauge={each} ticket={ticket.id} />
            ))}
          </div>
        </Panel>
      )}
      {known && known.series.length > 0 && (
        <Panel title={t("charts")}>
          <Suspense fallback={<Loading />}>
            <div className="chart-grid">
              {known.series.map((each) => (
                <Chart key={`${each.section} ${each.name}`} series={each} opened={known.opened_at} />
              ))}
            </div>
          </Suspense>
        </Panel>
      )}
      {solved.length > 0 && <SolvedCard solved={solved} />}
      {articles.length > 0 && <ArticlesCard articles={articles} ticket={ticket.id} />}
      {others
        .filter((section) => section.status === "ok")
        .map((section) => (
          <SectionCard key={section.name} section={section} ticket={ticket.id} />
        ))}
      <Unanswered sections={others.filter((section) => section.status !== "ok")} />
    </div>
  );
}

function Share({ percent }: { percent: Percent }) {
  const value = Math.round(Number(percent.value) * 10) / 10;
  return (
    <div className="gauge">
      <Progress
        type="dashboard"
        size={76}
        percent={value}
        format={() => `${value}%`}
        status={value >= 90 ? "exception" : "normal"}
        aria-label={percent.name}
      />
      <span>{percent.name}</span>
      <span className="quiet">
        <When at={percent.at} />
      </span>
    </div>
  );
}

function OneGauge({ gauge, ticket }: { gauge: Gauge; ticket: string }) {
  const t = useTexts();
  const value = Number(gauge.value);
  const above = gauge.limits?.above ? Number(gauge.limits.above) : undefined;
  const below = gauge.limits?.below ? Number(gauge.limits.below) : undefined;
  const over = (above !== undefined && value > above) || (below !== undefined && value < below);
  const limit = above ?? below;
  return (
    <div className="gauge">
      <FieldValue ticket={ticket} field={`context.device_twin.${gauge.name}`}>
        <span className={`gauge-value ${over ? "tone-bad" : ""}`}>
          {gauge.value}
          <small> {gauge.unit}</small>
        </span>
      </FieldValue>
      <span>{gauge.name}</span>
      {limit !== undefined && (
        <span className={over ? "tone-bad" : "quiet"}>
          {t(above !== undefined ? "limitAbove" : "limitBelow", { n: limit })}
        </span>
      )}
      <span className="quiet">
        <When at={gauge.at} />
      </span>
    </div>
  );
}

function SolvedCard({ solved }: { solved: Solved[] }) {
  const t = useTexts();
  const word = useWord();
  return (
    <Panel title={t("similarTickets")}>
      <ul className="plain">
        {solved.map((each) => (
          <li key={each.id}>
            <TicketLink id={each.id} title={each.title} />
            <div>
              {each.cause && <strong>{word(each.cause)} · </strong>}
              {each.resolution}
            </div>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

function ArticlesCard({ articles, ticket }: { articles: Article[]; ticket: string }) {
  const t = useTexts();
  const { may } = useSession();
  const used = useMutation({
    mutationFn: (article: Article) =>
      answer(
        api.POST("/v1/learning/articles/used", { body: { ticket, article: `${article.connection}/${article.id}` } }),
      ),
  });
  return (
    <Panel title={t("similarArticles")}>
      <ul className="plain">
        {articles.map((each) => (
          <li key={`${each.connection}/${each.id}`}>
            {each.url ? (
              <a href={each.url} target="_blank" rel="noreferrer">
                {each.title}
              </a>
            ) : (
              <strong>{each.title}</strong>
            )}
            <p className="excerpt">{each.excerpt}</p>
            {may("act") && (
              <Button
                size="small"
                icon={<CheckOutlined />}
                onClick={() => used.mutate(each)}
                disabled={used.isSuccess && used.variables === each}
              >
                {t(used.isSuccess && used.variables === each ? "used" : "usedIt")}
              </Button>
            )}
          </li>
        ))}
      </ul>
      {used.error && <ProblemAlert error={used.error} />}
    </Panel>
  );
}

/** Who was asked and told nothing, in one place. */
function Unanswered({ sections }: { sections: Section[] }) {
  const t = useTexts();
  if (sections.length === 0) return null;
  const words = { pending: "waiting", failed: "noAnswer", empty: "knowsNothing", ok: "asOf" } as const;
  return (
    <Panel title={t("unanswered")}>
      <ul className="plain">
        {sections.map((section) => (
          <li key={section.name} className="brief">
            <Health level={LEVEL[section.status]}>{section.name}</Health>
            <span className="quiet">{section.reason || t(words[section.status])}</span>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

const TITLED: Record<string, "interactions" | "orders"> = { last_interactions: "interactions", last_orders: "orders" };
const LEVEL = { ok: "good", empty: "off", failed: "bad", pending: "warning" } as const;

function SectionCard({ section, ticket }: { section: Section; ticket: string }) {
  const t = useTexts();
  const titled = TITLED[section.question];
  return (
    <Panel
      title={titled ? `${t(titled)} · ${section.connection}` : section.name}
      extra={
        <span className="section-state quiet">
          {t("asOf")} <When at={section.as_of} />
          {section.late && ` · ${t("late")}`}
          {section.link.startsWith("http") && (
            <a href={section.link} target="_blank" rel="noreferrer">
              {t("openThere")}
            </a>
          )}
        </span>
      }
    >
      {section.values && <Values values={section.values} place={`context.${section.name}`} ticket={ticket} />}
    </Panel>
  );
}

/** Values of an answer: names with values, lists of records as a table; each leads to where it came from. */
function Values({ values, place, ticket }: { values: Record<string, unknown>; place: string; ticket: string }) {
  const simple = Object.entries(values).filter(([, value]) => typeof value !== "object" || value === null);
  // what is a chart above need not be a table here
  const deep = Object.entries(values).filter(
    ([name, value]) => typeof value === "object" && value !== null && name !== "recent" && !isEmpty(value),
  );
  return (
    <>
      {simple.length > 0 && (
        <dl className="fields fields-two">
          {simple.map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>
                <FieldValue ticket={ticket} field={`${place}.${name}`}>
                  {plain(value)}
                </FieldValue>
              </dd>
            </div>
          ))}
        </dl>
      )}
      {deep.map(([name, value]) => (
        <div key={name} className="deep">
          <FieldValue ticket={ticket} field={`${place}.${name}`}>
            {name}
          </FieldValue>
          <Deep value={value} />
        </div>
      ))}
    </>
  );
}

const isEmpty = (value: object): boolean => Object.keys(value).length === 0;

function Deep({ value }: { value: unknown }): ReactNode {
  if (Array.isArray(value) && value.length > 0 && value.every((each) => typeof each === "object" && each !== null)) {
    const records = value as Record<string, unknown>[];
    const names = [...new Set(records.flatMap((record) => Object.keys(record)))].filter((name) =>
      records.some((record) => typeof record[name] !== "object" || record[name] === null),
    );
    return (
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard
      <section className="deep-table" tabIndex={0} aria-label={names.join(", ")}>
        <table>
          <thead>
            <tr>
              {names.map((name) => (
                <th key={name} scope="col">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {records.slice(0, ROWS).map((record) => (
              <tr key={JSON.stringify(record)}>
                {names.map((name) => (
                  <td key={name}>{plain(record[name])}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    );
  }
  if (Array.isArray(value)) return <div>{value.map(plain).join(", ") || "–"}</div>;
  return (
    <dl className="fields fields-two">
      {Object.entries(value as Record<string, unknown>).map(([name, each]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{plain(each)}</dd>
        </div>
      ))}
    </dl>
  );
}

function plain(value: unknown): ReactNode {
  if (value === null || value === undefined || value === "") return "–";
  if (typeof value === "boolean") return value ? "✓" : "✗";
  if (typeof value === "string" && /^\d{4}-\d\d-\d\dT\d\d:\d\d/.test(value)) return <When at={value} exact ahead />;
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
