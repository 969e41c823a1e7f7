import { sankey, sankeyJustify, sankeyLinkHorizontal } from "d3-sankey";
import { useEffect, useMemo, useRef, useState } from "react";
import { Link } from "react-router";
import { EmptyWithAdvice, Panel } from "../../parts";
import { useSession } from "../../session";
import { ENDS, type End, type Overview, type Source } from "./figures";
import { useTexts } from "./texts";

const SOURCES = 10;
/** The widths of names at both sides, by how wide the drawing is. */
const MARGINS = { wide: { left: 200, right: 170 }, narrow: { left: 118, right: 118 } };

interface Node {
  id: string;
  name: string;
  kind: "source" | End;
  count: number;
  to: string | undefined;
}
interface Stream {
  source: string;
  target: string;
  value: number;
  end: End;
  text: string;
}

/** The ledger as a drawing: from where messages came, to which end. */
export function Flow({ flow }: { flow: NonNullable<Overview["flow"]> }) {
  const t = useTexts();
  const { may } = useSession();
  return (
    <Panel
      title={t("flow")}
      extra={
        <span className="by-the-way">
          {t("flowHours", { n: flow.hours })}
          {may("administer") && (
            <>
              {" · "}
              <Link to="/admin/audit">{t("audit")}</Link>
            </>
          )}
        </span>
      }
    >
      {flow.sources.length === 0 ? (
        <EmptyWithAdvice
          title={t("flowEmpty", { n: flow.hours })}
          advice={t("flowAdvice")}
          action={may("configure") && <Link to="/studio">{t("addConnection")}</Link>}
        />
      ) : (
        <Drawing sources={flow.sources} />
      )}
    </Panel>
  );
}

function useWidth() {
  const box = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const observer = new ResizeObserver(([entry]) => setWidth(Math.floor(entry?.contentRect.width ?? 0)));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return { box, width };
}

function Drawing({ sources }: { sources: Source[] }) {
  const { box, width } = useWidth();
  const t = useTexts();
  const { may } = useSession();
  const { nodes, links, height, margins } = useLayout(sources, width);
  return (
    <div ref={box} className="flow">
      {width > 0 && (
        <svg width={width} height={height}>
          <title>{t("flow")}</title>
          <g>
            {links.map((link) => (
              <path
                key={`${link.source.id} ${link.end}`}
                d={sankeyLinkHorizontal()(link) ?? ""}
                className={`stream end-${link.end}`}
                strokeWidth={Math.max(1.5, link.width ?? 0)}
              >
                <title>{link.text}</title>
              </path>
            ))}
          </g>
          {nodes.map((node) => {
            const { x0 = 0, x1 = 0, y0 = 0, y1 = 0 } = node;
            const left = node.kind === "source";
            const to = left || may("configure") || node.kind !== "dead" ? node.to : undefined;
            const x = left ? x0 - 8 : x1 + 8;
            const room = left ? margins.left - 14 : margins.right - 14;
            const label = (
              <foreignObject x={left ? x - room : x} y={(y0 + y1) / 2 - 10} width={room} height={20}>
                <div className={left ? "flow-name flow-left" : "flow-name"}>
                  <span>{node.name}</span>
                  <b>{node.count.toLocaleString("en")}</b>
                </div>
              </foreignObject>
            );
            return (
              <g key={node.id}>
                <rect
                  x={x0}
                  y={y0}
                  width={x1 - x0}
                  height={Math.max(2, y1 - y0)}
                  className={`node end-${node.kind}`}
                  rx={1.5}
                />
                {to ? <Link to={to}>{label}</Link> : label}
              </g>
            );
          })}
        </svg>
      )}
    </div>
  );
}

function useLayout(sources: Source[], width: number) {
  const t = useTexts();
  const { may } = useSession();
  const ledger = may("administer") ? "/admin/audit" : undefined;
  return useMemo(() => {
    const shown = sources.slice(0, SOURCES);
    const rest = sources.slice(SOURCES);
    const other = t("otherSources", { n: rest.length });
    if (rest.length > 0) shown.push(together(rest));
    const endNames: Record<End, string> = {
      ticketed: t("ticketed"),
      merged: t("merged"),
      suppressed: t("suppressed"),
      in_flight: t("in_flight"),
      dead: t("deadEnd"),
    };
    const lists: Record<End, string | undefined> = {
      ticketed: "/tickets?order=newest",
      merged: "/tickets?order=recent",
      suppressed: ledger,
      in_flight: ledger,
      dead: "/studio/dead-letters",
    };
    const used = ENDS.filter((end) => shown.some((source) => source.ends[end]));
    const nodes: Node[] = [
      ...shown.map((source) => ({
        id: `from ${source.connection}`,
        name: source.connection || other,
        kind: "source" as const,
        count: source.received,
        to: source.connection ? `/tickets?source=${encodeURIComponent(source.connection)}` : undefined,
      })),
      ...used.map((end) => ({
        id: end,
        name: endNames[end],
        kind: end,
        count: shown.reduce((sum, source) => sum + (source.ends[end] ?? 0), 0),
        to: lists[end],
      })),
    ];
    // a thousand to one is drawn as thirty to one, or nobody sees the one
    const links: Stream[] = shown.flatMap((source) =>
      used
        .filter((end) => source.ends[end])
        .map((end) => ({
          source: `from ${source.connection}`,
          target: end,
          value: Math.sqrt(source.ends[end] ?? 0),
          end,
          text: t("flowText", { source: source.connection || other, n: source.ends[end] ?? 0, end: endNames[end] }),
        })),
    );
    const margins = width < 640 ? MARGINS.narrow : MARGINS.wide;
    const height = Math.max(150, Math.max(shown.length, used.length) * 34);
    const layout = sankey<Node, Stream>()
      .nodeId((node) => node.id)
      .nodeAlign(sankeyJustify)
      .nodeSort(null)
      .linkSort(null)
      .nodeWidth(6)
      .nodePadding(20)
      .extent([
        [margins.left, 18],
        [Math.max(width - margins.right, margins.left + 40), height - 18],
      ]);
    const graph = layout({ nodes: nodes.map((n) => ({ ...n })), links: links.map((l) => ({ ...l })) });
    return {
      nodes: graph.nodes,
      links: graph.links.map((link) => ({
        ...link,
        source: link.source as Node & typeof link.source & { id: string },
      })),
      height,
      margins,
    };
  }, [sources, width, t, ledger]);
}

function together(sources: Source[]): Source {
  const ends: Source["ends"] = {};
  for (const source of sources) {
    for (const end of ENDS) {
      const n = source.ends[end];
      if (n) ends[end] = (ends[end] ?? 0) + n;
    }
  }
  return { connection: "", received: sources.reduce((sum, each) => sum + each.received, 0), ends };
}
