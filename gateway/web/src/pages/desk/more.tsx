import { useQuery } from "@tanstack/react-query";
import { Button } from "antd";
import { useEffect, useRef, useState } from "react";
import { useCommon } from "../../parts";
import { LIVE_MS, type pageBehind } from "./asking";

interface Props {
  next: ReturnType<typeof pageBehind>;
  busy: boolean;
  onMore: () => void;
}

/** The button at the list's end. Whoever comes near it will want what is behind it, so that is asked for, and kept fresh. */
export function More({ next, busy, onMore }: Props) {
  const common = useCommon();
  const end = useRef<HTMLDivElement>(null);
  const [near, setNear] = useState(false);
  useEffect(() => {
    if (!end.current) return;
    const watch = new IntersectionObserver(([seen]) => setNear(seen?.isIntersecting ?? false), { rootMargin: "300px" });
    watch.observe(end.current);
    return () => watch.disconnect();
  }, []);
  useQuery({ ...next, enabled: near, refetchInterval: LIVE_MS });
  return (
    <div className="list-more" ref={end}>
      <Button onClick={onMore} loading={busy}>
        {common("more")}
      </Button>
    </div>
  );
}
