import { DownloadOutlined, PlusOutlined } from "@ant-design/icons";
import { keepPreviousData, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Button, Grid, type InputRef, Skeleton, Tooltip } from "antd";
import { useMemo, useRef, useState } from "react";
import { Link, useNavigate, useSearchParams } from "react-router";
import { type Page as Answered, answer, api } from "../../api/client";
import { EmptyWithAdvice, Page, ProblemAlert, useCommon } from "../../parts";
import { useMe, useSession } from "../../session";
import "../../tickets/tickets.css";
import type { Ticket } from "../../tickets/types";
import { BulkBar, Refused, type Result } from "./bulk";
import "./desk.css";
import { FilterBar } from "./filter-bar";
import { useKeys } from "./keys";
import { Cards, pathOf, Rows } from "./list";
import { addressOf, narrows, type Question, questionOf } from "./question";
import { useTexts } from "./texts";

const LIVE_MS = 5_000;
const PAGE = 50;
/** Of a list that was paged far down only the count stays live: reading hundreds anew every few seconds helps nobody. */
const LIVE_PAGES = 4;

interface Counts {
  total: number;
  complete: boolean;
}

export default function Desk() {
  const t = useTexts();
  const common = useCommon();
  const [search, setSearch] = useSearchParams();
  const me = useMe();
  const { may } = useSession();
  const navigate = useNavigate();
  const wide = Grid.useBreakpoint().lg ?? window.innerWidth >= 992;
  const address = search.toString();
  const asked = useMemo(() => questionOf(new URLSearchParams(address)), [address]);
  const [at, setAt] = useState(-1);
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const [refused, setRefused] = useState<Result[]>([]);
  const searchBox = useRef<InputRef>(null);

  const list = useInfiniteQuery({
    queryKey: ["desk", "tickets", address],
    queryFn: ({ pageParam, signal }) =>
      answer<Answered<Ticket>>(
        api.GET("/v1/tickets", {
          params: { query: { ...asked, limit: PAGE, ...(pageParam ? { cursor: pageParam } : {}) } as never },
          signal,
        }),
      ),
    initialPageParam: "",
    getNextPageParam: (last) => last.next_cursor ?? undefined,
    placeholderData: keepPreviousData,
    refetchInterval: ({ state }) => ((state.data?.pages.length ?? 0) <= LIVE_PAGES ? LIVE_MS : false),
  });
  const counted = useQuery({
    queryKey: ["desk", "counts", address],
    queryFn: ({ signal }) =>
      answer<Counts>(api.GET("/v1/desk/counts", { params: { query: { ...asked } as never }, signal })),
    placeholderData: keepPreviousData,
    refetchInterval: LIVE_MS * 2,
  });
  const tickets = useMemo(() => list.data?.pages.flatMap((page) => page.items) ?? [], [list.data]);

  const ask = (wanted: Question) => {
    setAt(-1);
    setSelected(new Set());
    setSearch(addressOf(wanted), { replace: true });
  };
  const toggle = (id: string) =>
    setSelected((held) => {
      const next = new Set(held);
      if (!next.delete(id)) next.add(id);
      return next;
    });
  const all = () =>
    setSelected((held) =>
      tickets.every((each) => held.has(each.id)) ? new Set() : new Set(tickets.map((each) => each.id)),
    );
  const here = tickets[at];
  useKeys({
    j: () => setAt((n) => Math.min(n + 1, tickets.length - 1)),
    k: () => setAt((n) => Math.max(n - 1, 0)),
    x: () => here && may("act") && toggle(here.id),
    Enter: () => here && void navigate(pathOf(here)),
    "/": () => searchBox.current?.focus(),
  });

  const total = counted.data && t(counted.data.complete ? "total" : "atLeast", { n: counted.data.total });
  const shown = {
    tickets,
    since: list.dataUpdatedAt,
    at,
    selected,
    ...(may("act") && { onSelect: toggle, onSelectAll: all }),
  };
  const chosen = tickets.filter((each) => selected.has(each.id));
  return (
    <Page
      wide
      title={t("title")}
      aside={total && <span className="quiet">{total}</span>}
      actions={
        <>
          <Tooltip title={t("csvHint")}>
            <Button icon={<DownloadOutlined />} href={`/v1/desk/tickets.csv?${addressOf(asked)}`} download>
              {t("csv")}
            </Button>
          </Tooltip>
          {me.may_create && may("act") && (
            <Link to="/tickets/new" className="ant-btn-link-wrap">
              <Button type="primary" icon={<PlusOutlined />} tabIndex={-1}>
                {t("new")}
              </Button>
            </Link>
          )}
        </>
      }
    >
      <FilterBar asked={asked} onAsk={ask} searchBox={searchBox} narrow={!wide} />
      {list.error && <ProblemAlert error={list.error} retry={() => void list.refetch()} />}
      {list.isPending && <Skeleton active paragraph={{ rows: 8 }} title={false} />}
      {list.data && tickets.length === 0 && (
        <EmptyWithAdvice
          title={t(narrows(asked) ? "empty" : "emptyAll")}
          advice={t(narrows(asked) ? "emptyAdvice" : "emptyAllAdvice")}
          action={narrows(asked) && <Button onClick={() => ask({})}>{t("clear")}</Button>}
        />
      )}
      {tickets.length > 0 && (
        <div className={wide ? "list-frame" : ""}>{wide ? <Rows {...shown} /> : <Cards {...shown} />}</div>
      )}
      {list.hasNextPage && (
        <div className="list-more">
          <Button onClick={() => void list.fetchNextPage()} loading={list.isFetchingNextPage}>
            {common("more")}
          </Button>
        </div>
      )}
      {wide && tickets.length > 0 && <p className="list-keys quiet">{t("keys")}</p>}
      {chosen.length > 0 && (
        <BulkBar
          tickets={chosen}
          onDone={(results) => {
            setRefused(results);
            setSelected(new Set(results.map((result) => result.ticket)));
          }}
        />
      )}
      <Refused results={refused} onClose={() => setRefused([])} />
    </Page>
  );
}
