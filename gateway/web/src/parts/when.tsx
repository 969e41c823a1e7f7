import dayjs from "dayjs";
import { useSyncExternalStore } from "react";
import { useLanguage } from "../i18n";
import { Hint } from "./hint";

let now = Date.now();
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(() => {
    now = Date.now();
    for (const each of listeners) each();
  }, 15_000);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) {
      clearInterval(timer);
      timer = undefined;
    }
  };
}

/** The time, anew every quarter of a minute; one clock for the whole page. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, () => now);
}

/**
 * A moment as RFC 3339: relative, with the local time on hover. `exact` shows the local time itself. `ahead`: it may lie
 * in the future; every other moment is past, also when the hub's clock is a little ahead of this one.
 */
export function When({
  at,
  exact = false,
  ahead = false,
  never = "–",
}: {
  at: string | null | undefined;
  exact?: boolean;
  ahead?: boolean;
  never?: string;
}) {
  const current = useNow();
  const [language] = useLanguage();
  if (!at) return <span>{never}</span>;
  const moment = dayjs(at).locale(language === "zh" ? "zh-cn" : "en");
  const local = moment.format("YYYY-MM-DD HH:mm:ss");
  const relative = moment.from(ahead ? current : Math.max(current, moment.valueOf()));
  return (
    <Hint title={exact ? relative : `${local} (UTC${moment.format("Z")})`}>
      <time dateTime={at} style={{ whiteSpace: "nowrap" }}>
        {exact ? local : relative}
      </time>
    </Hint>
  );
}
