/** A lineage graph that one moves in: pointer, touch, or the arrow keys from field to field. */
import { AimOutlined, MinusOutlined, PlusOutlined } from "@ant-design/icons";
import { Button, Space } from "antd";
import { type KeyboardEvent, type Ref, useImperativeHandle, useMemo, useRef } from "react";
import { useTexts } from "../texts";
import type { Side } from "../types";
import { type Hand, World } from "./boxes";
import { transform, useCamera } from "./camera";
import { savePng, saveSvg } from "./export";
import "./graph.css";
import { useLayout } from "./layout";
import { KINDS, type Model, type Row } from "./model";

export interface Exporter {
  svg: (name: string) => void;
  png: (name: string) => Promise<void>;
}

interface Props {
  model: Model;
  chosen: string | null;
  choose: (row: Row) => void;
  open?: (row: Row, side: Side) => void;
  height: number | string;
  exporter?: Ref<Exporter>;
}

export function Graph({ model, chosen, choose, open, height, exporter }: Props) {
  const t = useTexts();
  const svg = useRef<SVGSVGElement>(null);
  const { drawn, busy } = useLayout(model);
  const { camera, fit, zoom, show } = useCamera(svg, drawn, chosen);

  useImperativeHandle(
    exporter,
    () => ({
      svg: (name) => {
        if (svg.current && drawn) saveSvg(svg.current, name, drawn.width, drawn.height);
      },
      png: async (name) => {
        if (svg.current && drawn) await savePng(svg.current, name, drawn.width, drawn.height);
      },
    }),
    [drawn],
  );

  const hand = useMemo<Hand>(() => {
    const rows = drawn?.model.boxes.flatMap((box) => box.rows) ?? [];
    const known = new Map(rows.map((row) => [row.id, row]));
    const near = (row: Row, key: string): Row | undefined => {
      const boxes = drawn?.model.boxes ?? [];
      const within = boxes.find((box) => box.rows.includes(row))?.rows ?? [];
      const edges = drawn?.model.edges ?? [];
      if (key === "ArrowUp") return within[within.indexOf(row) - 1];
      if (key === "ArrowDown") return within[within.indexOf(row) + 1];
      if (key === "ArrowLeft") return known.get(edges.find((e) => e.to === row.id)?.from ?? "");
      if (key === "ArrowRight") return known.get(edges.find((e) => e.from === row.id)?.to ?? "");
      return undefined;
    };
    return {
      chosen,
      current: chosen !== null && known.has(chosen) ? chosen : model.start,
      choose,
      ...(open && { open }),
      move: (event: KeyboardEvent, row) => {
        if (event.key === "Enter" || event.key === " ") {
          event.preventDefault();
          choose(row);
          return;
        }
        const next = near(row, event.key);
        if (!next) return;
        event.preventDefault();
        choose(next);
        show(next.id);
        svg.current?.querySelector<SVGGElement>(`[data-row="${CSS.escape(next.id)}"]`)?.focus({ preventScroll: true });
      },
    };
  }, [drawn, chosen, choose, open, model.start, show]);

  return (
    <div
      className="lineage-graph"
      style={{ height }}
      data-laid-out={!busy && drawn !== undefined}
      data-took={drawn?.took.toFixed(0)}
    >
      {/* biome-ignore lint/a11y/useSemanticElements: a group of buttons in a drawing */}
      <svg ref={svg} className="drawing" role="group" aria-label={t("graphLabel")} aria-busy={busy}>
        <defs>
          <marker
            id="lineage-arrow"
            viewBox="0 0 8 8"
            refX={7}
            refY={4}
            markerWidth={8}
            markerHeight={8}
            markerUnits="userSpaceOnUse"
            orient="auto"
          >
            <path d="M0 0L8 4L0 8z" fill="context-stroke" />
          </marker>
        </defs>
        <g data-world transform={transform(camera)}>
          {drawn && <World drawn={drawn} hand={hand} lit={chosen} />}
        </g>
      </svg>
      <Space.Compact className="graph-tools">
        <Button size="small" icon={<PlusOutlined />} aria-label={t("zoomIn")} onClick={() => zoom(1.3)} />
        <Button size="small" icon={<MinusOutlined />} aria-label={t("zoomOut")} onClick={() => zoom(1 / 1.3)} />
        <Button size="small" icon={<AimOutlined />} aria-label={t("fit")} onClick={fit} />
      </Space.Compact>
    </div>
  );
}

/** What the colours mean, of the kinds there are. */
export function Legend({ model }: { model: Model }) {
  const t = useTexts();
  const there = new Set(model.edges.map((edge) => edge.kind));
  return (
    <div className="graph-legend">
      {KINDS.filter((kind) => there.has(kind)).map((kind) => (
        <span key={kind}>
          <svg width={30} height={8} aria-hidden="true">
            <path d="M0 4H30" className={`edge edge-${kind}`} />
          </svg>
          {t(kind)}
        </span>
      ))}
    </div>
  );
}
