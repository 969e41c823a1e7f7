import { ArrowLeftOutlined, EyeInvisibleOutlined } from "@ant-design/icons";
import { type InfiniteData, type QueryClient, useQuery, useQueryClient } from "@tanstack/react-query";
import { Grid, Tooltip } from "antd";
import { lazy, Suspense } from "react";
import { Link, useParams, useSearchParams } from "react-router";
import { type Page as Answered, answer, api } from "../../api/client";
import { Problem } from "../../api/problem";
import { useLanguage } from "../../i18n";
import { EmptyWithAdvice, Loading, Page, Panel, PriorityTag, ProblemAlert, StateTag } from "../../parts";
import { useSession } from "../../session";
import { Countdown, pressing } from "../../tickets/countdown";
import "../../tickets/tickets.css";
import type { Ticket as ListedTicket, Offered, WholeTicket } from "../../tickets/types";
import { Actions } from "./actions";
import { Context } from "./context";
import { Details, Promises } from "./details";
import { FieldValue } from "./field-value";
import { Files } from "./files";
import { Members } from "./members";
import { Remote } from "./remote";
import { TabRow } from "./tabs";
import { useTexts } from "./texts";
import { ThenNow } from "./then-now";
import "./ticket.css";
import { Timeline } from "./timeline";
import { Together } from "./together";
import { Why } from "./why";

const LIVE_MS = 5_000;
const NewTicket = lazy(() => import("./new"));

export default function Ticket() {
  const { ticket = "" } = useParams();
  if (ticket === "new") {
    return (
      <Suspense fallback={<Loading className="page" />}>
        <NewTicket />
      </Suspense>
    );
  }
  return <OneTicket key={ticket} id={ticket} />;
}

function OneTicket({ id }: { id: string }) {
  const t = useTexts();
  const [language] = useLanguage();
  const { may } = useSession();
  const queries = useQueryClient();
  const [search, setSearch] = useSearchParams();
  const wide = Grid.useBreakpoint().lg ?? window.innerWidth >= 992;
  const { data, error, refetch, dataUpdatedAt } = useQuery({
    queryKey: ["ticket", id, "whole"],
    queryFn: ({ signal }) =>
      answer<WholeTicket>(api.GET("/v1/tickets/{ticket}", { params: { path: { ticket: id } }, signal })),
    refetchInterval: LIVE_MS,
  });
  const offered = queries.getQueryData<{ items: Offered[] }>(["ticket", id, "actions", data?.version]);
  const can = (name: string) => may("act") && (offered?.items.find((each) => each.name === name)?.possible ?? true);
  const anew = async () => {
    await queries.invalidateQueries({ queryKey: ["ticket", id] });
    await queries.invalidateQueries({ queryKey: ["desk"], refetchType: "none" });
  };
  if (error && !data) {
    const gone = error instanceof Problem && error.status === 404;
    return (
      <Page title={id}>
        {gone ? (
          <EmptyWithAdvice
            title={t("notFound")}
            advice={t("notFoundAdvice")}
            action={<Link to="/tickets">{t("back")}</Link>}
          />
        ) : (
          <ProblemAlert error={error} retry={() => void refetch()} />
        )}
      </Page>
    );
  }
  if (!data) return <Coming ticket={listed(queries, id)} />;

  const next = pressing(data);
  const asides = (
    <>
      <Details ticket={data} />
      <Promises ticket={data} since={dataUpdatedAt} zh={language === "zh"} />
      <Files ticket={data} mayAttach={may("act")} onDone={anew} />
    </>
  );
  const tabs = [
    {
      key: "timeline",
      label: t("timeline"),
      children: <Timeline ticket={data} mayComment={can("comment")} onDone={anew} />,
    },
    { key: "context", label: t("context"), children: <Context ticket={data} /> },
    ...(data.members?.length > 0
      ? [
          {
            key: "members",
            label: `${t("members")} ${data.members.length}`,
            children: <Members members={data.members} />,
          },
        ]
      : []),
    { key: "then-now", label: t("thenNow"), children: <ThenNow ticket={id} /> },
    { key: "why", label: t("why"), children: <Why ticket={id} /> },
    { key: "together", label: t("together"), children: <Together ticket={data} /> },
    { key: "remote", label: t("remote"), children: <Remote ticket={data} onDone={anew} /> },
    ...(wide ? [] : [{ key: "details", label: t("details"), children: <div className="why">{asides}</div> }]),
  ];
  const tab = search.get("tab") ?? "timeline";
  return (
    <Page
      wide
      title={data.title || id}
      aside={
        <span className="ticket-aside">
          <Standing ticket={data} />
          {next && <Countdown promised={next} since={dataUpdatedAt} />}
          {(data.withheld?.length ?? 0) > 0 && (
            <Tooltip title={<Withheld ticket={data} />}>
              <span className="quiet">
                <EyeInvisibleOutlined /> {t("withheld", { n: data.withheld?.length ?? 0 })}
              </span>
            </Tooltip>
          )}
        </span>
      }
      actions={may("act") && <Actions ticket={data} most={wide ? 4 : 2} onDone={anew} />}
    >
      <p className="crumbs">
        <Link to="/tickets">
          <ArrowLeftOutlined /> {t("back")}
        </Link>{" "}
        <span className="id quiet">{id}</span>
      </p>
      <div className="ticket-page">
        <div className="ticket-main">
          <Panel title={t("description")}>
            <div className="description">
              {data.description ? (
                <FieldValue ticket={id} field="description">
                  {data.description}
                </FieldValue>
              ) : (
                <span className="quiet">{t("noDescription")}</span>
              )}
            </div>
          </Panel>
          <TabRow
            tabs={tabs}
            at={tab}
            label={t("title")}
            onChange={(key) => setSearch(key === "timeline" ? {} : { tab: key }, { replace: true })}
          />
        </div>
        {wide && <aside className="ticket-side">{asides}</aside>}
      </div>
    </Page>
  );
}

/** What the desk's list knew of a ticket. */
function listed(queries: QueryClient, id: string): ListedTicket | undefined {
  const lists = queries.getQueriesData<InfiniteData<Answered<ListedTicket>>>({ queryKey: ["desk", "tickets"] });
  return lists.flatMap(([, list]) => list?.pages.flatMap((page) => page.items) ?? []).find((each) => each.id === id);
}

/** A ticket that is on its way, under its own heading where that is known. */
function Coming({ ticket }: { ticket: ListedTicket | undefined }) {
  const skeleton = <Loading rows={12} className={ticket ? "" : "page"} />;
  if (!ticket) return skeleton;
  return (
    <Page
      wide
      title={ticket.title || ticket.id}
      aside={
        <span className="ticket-aside">
          <Standing ticket={ticket} />
        </span>
      }
    >
      {skeleton}
    </Page>
  );
}

function Standing({ ticket }: { ticket: ListedTicket }) {
  return (
    <>
      <PriorityTag priority={ticket.priority} />
      <StateTag state={ticket.status} />
      <span className="quiet">{ticket.assignee ?? ticket.group}</span>
    </>
  );
}

function Withheld({ ticket }: { ticket: WholeTicket }) {
  const [language] = useLanguage();
  return (
    <ul className="withheld">
      {ticket.withheld?.slice(0, 12).map((each) => (
        <li key={each.what}>{language === "zh" ? each.why_zh : each.why}</li>
      ))}
    </ul>
  );
}
