import { BellOutlined } from "@ant-design/icons";
import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { Badge, Button, Popover } from "antd";
import { useState } from "react";
import { useNavigate } from "react-router";
import { answer, api } from "../api/client";
import { texts } from "../i18n";
import { useSession } from "../session";
import "./notices.css";
import { PriorityTag } from "./tags";
import { useCommon } from "./texts";
import { When } from "./when";

const useTexts = texts("notices", {
  zh: {
    title: "我的通知",
    unread: "{{n}} 条未读通知",
    none: "没有通知",
    noneAdvice: "派给您、提到您或需要您审批的工单会出现在这里。",
  },
  en: {
    title: "My notices",
    unread: "{{n}} unread notices",
    none: "No notices",
    noneAdvice: "Tickets that are given to you, name you or wait for your approval show here.",
  },
});

interface Notice {
  id: string;
  ticket: string;
  priority: string;
  title: string;
  text: string;
  at: string;
  read_at: string | null;
}
interface Told {
  items: Notice[];
  next_cursor: string | null;
  unread: number;
}
const LIVE_MS = 15_000;

/** A bell with what the hub told whoever looks. Nothing for who is nobody on the roster. */
export function Notices() {
  const { me } = useSession();
  return me?.person ? <Bell /> : null;
}

function Bell() {
  const t = useTexts();
  const common = useCommon();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const [open, setOpen] = useState(false);
  const key = ["notices"];
  const list = useInfiniteQuery({
    queryKey: key,
    queryFn: ({ pageParam }) =>
      answer<Told>(
        api.GET("/v1/me/notices", {
          params: { query: { limit: 20, ...(pageParam ? { cursor: Number(pageParam) } : {}) } },
        }),
      ),
    initialPageParam: "",
    getNextPageParam: (last) => last.next_cursor ?? undefined,
    refetchInterval: LIVE_MS,
    retry: false,
  });
  const read = useMutation({
    mutationFn: (id: string) =>
      answer(api.POST("/v1/me/notices/{notice}/read", { params: { path: { notice: id as never } } })),
    onSettled: () => queries.invalidateQueries({ queryKey: key }),
  });
  if (list.error) return null; // whoever is not on the roster has no notices
  const notices = list.data?.pages.flatMap((page) => page.items) ?? [];
  const unread = list.data?.pages[0]?.unread ?? 0;
  const follow = (notice: Notice) => {
    if (!notice.read_at) read.mutate(notice.id);
    setOpen(false);
    void navigate(`/tickets/${notice.ticket}`);
  };
  const content = (
    <div className="notices" role="dialog" aria-label={t("title")}>
      {notices.length === 0 && (
        <p>
          <strong>{t("none")}</strong>
          <br />
          <span className="notices-quiet">{t("noneAdvice")}</span>
        </p>
      )}
      <ul>
        {notices.map((notice) => (
          <li key={notice.id}>
            <button type="button" className={notice.read_at ? "" : "notices-new"} onClick={() => follow(notice)}>
              <span className="notices-head">
                <PriorityTag priority={notice.priority} />
                <span className="id notices-quiet">{notice.ticket}</span>
                <span className="notices-quiet notices-when">
                  <When at={notice.at} />
                </span>
              </span>
              <span className="notices-title">{notice.title}</span>
              {notice.text && <span className="notices-quiet notices-text">{notice.text}</span>}
            </button>
          </li>
        ))}
      </ul>
      {list.hasNextPage && (
        <Button size="small" onClick={() => void list.fetchNextPage()} loading={list.isFetchingNextPage}>
          {common("more")}
        </Button>
      )}
    </div>
  );
  const shown = unread > 99 ? "99+" : String(unread);
  return (
    <Popover trigger="click" placement="bottomRight" open={open} onOpenChange={setOpen} content={content}>
      <Button
        type="text"
        aria-label={unread > 0 ? t("unread", { n: shown }) : t("title")}
        icon={
          <Badge count={unread > 0 ? <span className="notices-count">{shown}</span> : 0}>
            <BellOutlined />
          </Badge>
        }
      />
    </Popover>
  );
}
