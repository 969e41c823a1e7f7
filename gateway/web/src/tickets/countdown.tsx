import { ClockCircleOutlined, PauseCircleOutlined, WarningOutlined } from "@ant-design/icons";
import dayjs from "dayjs";
import { useLanguage } from "../i18n";
import { Hint, useNow } from "../parts";
import type { Promised, Ticket } from "./types";
import { useLength, useTicketTexts } from "./words";

const RUNNING = new Set(["ok", "warn", "breached", "paused"]);

/** The promise that presses most: of those that run, the one due next. */
export function pressing(ticket: Pick<Ticket, "promises">): Promised | undefined {
  const running = (ticket.promises ?? []).filter((p) => RUNNING.has(p.state));
  return running.sort((a, b) => a.due.localeCompare(b.due))[0];
}

/** What is left of a promise; it counts down while one looks. */
export function Countdown({ promised, since }: { promised: Promised; since: number }) {
  const t = useTicketTexts();
  const length = useLength();
  const [language] = useLanguage();
  const now = useNow();
  const title = language === "zh" ? promised.title_zh : promised.title;
  const runs = RUNNING.has(promised.state) && promised.state !== "paused";
  // in working time as the hub counted it; what has passed since then is near enough until it is asked again
  const left = promised.remaining_s - (runs ? Math.max(0, now - since) / 1000 : 0);
  const tone = left < 0 ? "bad" : promised.state === "warn" ? "warning" : "";
  const text =
    promised.state === "paused"
      ? t("paused")
      : promised.state === "kept" || promised.state === "broken"
        ? t(promised.state)
        : t(left < 0 ? "overdue" : "left", { time: length(left) });
  const icon =
    promised.state === "paused" ? (
      <PauseCircleOutlined />
    ) : left < 0 && runs ? (
      <WarningOutlined />
    ) : (
      <ClockCircleOutlined />
    );
  return (
    <Hint title={`${title} · ${dayjs(promised.due).format("YYYY-MM-DD HH:mm")}`}>
      <span className={`countdown ${tone && runs ? `tone-${tone}` : ""}`}>
        {icon} {text}
      </span>
    </Hint>
  );
}
