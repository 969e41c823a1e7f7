import { DownloadOutlined, PlusOutlined } from "@ant-design/icons";
import { keepPreviousData, useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { Button, Grid, type InputRef, Tooltip } from "antd";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { Link, useNavigate, useSearchParams } from "react-router";
import { answer, api } from "../../api/client";
import { EmptyWithAdvice, Loading, Page, ProblemAlert } from "../../parts";
import { useMe, useSession } from "../../session";
import "../../tickets/tickets.css";
import { LIVE_MS, listAt, liveFor, pageBehind } from "./asking";
import { BulkBar, Refused, type Result } from "./bulk";
import "./desk.css";
import { FilterBar } from "./filter-bar";
import { useKeys } from "./keys";
import { Cards, pathOf, Rows } from "./list";
import { More } from "./more";
import { addressOf, narrows, type Question, questionOf } from "./question";
import { useTexts } from "./texts";

interface Counts {
  total: number;
  complete: boolean;
}

export default function Desk() {
  const t = useTexts();
  const queries = useQueryClient();
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
    ...listAt(queries, address),
    refetchInterval: ({ state }) => liveFor(state.data?.pages.length ?? 0),
  });
  const counted = useQuery({
    queryKey: ["desk", "counts", address],
    queryFn: ({ signal }) =>
      answer<Counts>(api.GET("/v1/desk/counts", { params: { query: { ...asked } as never }, signal })),
    placeholderData: keepPreviousData,
    refetchInterval: LIVE_MS * 2,
  });
  const tickets = useMemo(() => list.data?.pages.flatMap((page) => page.items) ?? [], [list.data]);

  const setAddress = useRef(setSearch);
  setAddress.current = setSearch; // it is another function for every address
  const ask = useCallback((wanted: Question) => {
    setAt(-1);
    setSelected(new Set());
    setAddress.current(addressOf(wanted), { replace: true });
  }, []);
  const toggle = useCallback(
    (id: string) =>
      setSelected((held) => {
        const next = new Set(held);
        if (!next.delete(id)) next.add(id);
        return next;
      }),
    [],
  );
  const all = () =>
    setSelected((held) =>
      tickets.every((each) => held.has(each.id)) ? new Set() : new Set(tickets.map((each) => each.id)),
    );
  const shows = list.data !== undefined;
  useEffect(() => {
    if (shows) void import("../ticket"); // what one opens next
  }, [shows]);
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
      {list.isPending && <Loading rows={8} />}
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
        <More
          next={pageBehind(address, list.data?.pages.at(-1)?.next_cursor ?? "")}
          busy={list.isFetchingNextPage}
          onMore={() => void list.fetchNextPage()}
        />
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
