/** The boxes of a drawing with their rows, and its edges. */
import { type KeyboardEvent, memo } from "react";
import type { Side } from "../types";
import type { Drawn } from "./layout";
import { type Box, cut, partly, type Row, rowHeight } from "./model";

export interface Hand {
  chosen: string | null;
  /** The one row that Tab reaches. */
  current: string;
  choose: (row: Row) => void;
  open?: (row: Row, side: Side) => void;
  move: (event: KeyboardEvent, row: Row) => void;
}

const BADGE = 38;
/** Not for screen readers: a row's name says it all, and the panel of the chosen field has buttons for the keyboard. */
const UNTOLD = { "aria-hidden": true } as const;

function RowShape({ row, y, width, hand, start }: { row: Row; y: number; width: number; hand: Hand; start: boolean }) {
  const left = partly(row.up) ? BADGE + 6 : 10;
  const right = partly(row.down) ? BADGE + 6 : 8;
  const room = width - left - right - row.indent * 12;
  const height = rowHeight(row);
  const classes = `row ${start ? "row-start" : ""} ${hand.chosen === row.id ? "row-chosen" : ""}`;
  return (
    <>
      {/* biome-ignore lint/a11y/useSemanticElements: SVG has no button */}
      <g
        role="button"
        tabIndex={hand.current === row.id ? 0 : -1}
        aria-pressed={hand.chosen === row.id}
        data-row={row.id}
        className={classes}
        onClick={() => hand.choose(row)}
        onKeyDown={(event) => hand.move(event, row)}
      >
        <title>{row.name}</title>
        <rect className="row-ground" x={1} y={y} width={width - 2} height={height} rx={3} />
        <text className="row-label" x={left + row.indent * 12} y={y + 16}>
          {cut(row.label, room)}
        </text>
        {row.value !== undefined && (
          <text className="row-value" x={left} y={y + 32}>
            {cut(row.value, room, 11)}
          </text>
        )}
      </g>
      {partly(row.up) && hand.open && (
        <More x={4} y={y + 4} text={`‹ ${row.up.shown}/${row.up.total}`} open={() => hand.open?.(row, "upstream")} />
      )}
      {partly(row.down) && hand.open && (
        <More
          x={width - BADGE - 4}
          y={y + 4}
          text={`${row.down.shown}/${row.down.total} ›`}
          open={() => hand.open?.(row, "downstream")}
        />
      )}
    </>
  );
}

/** For the pointer; the keyboard finds the same beside the graph. */
function More({ x, y, text, open }: { x: number; y: number; text: string; open: () => void }) {
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: for the pointer alone
    <g
      {...UNTOLD}
      className="row-more"
      onClick={open}
      onKeyDown={undefined}
      data-more={text}
      transform={`translate(${x} ${y})`}
    >
      <rect width={BADGE} height={16} rx={8} />
      <text x={BADGE / 2} y={12} textAnchor="middle">
        {text}
      </text>
    </g>
  );
}

function BoxShape({
  box,
  place,
  hand,
  start,
}: {
  box: Box;
  place: Drawn["boxes"][number]["place"];
  hand: Hand;
  start: string;
}) {
  let y = 40;
  const tops = box.rows.map((row) => {
    const top = y;
    y += rowHeight(row);
    return top;
  });
  return (
    <g className={`box-${box.tone}`} transform={`translate(${place.x} ${place.y})`}>
      <rect className="box-ground" width={place.width} height={place.height} rx={6} />
      <rect className="box-stripe" x={0} y={8} width={3} height={24} rx={1.5} />
      <text className="box-title" x={12} y={18}>
        {cut(box.title, place.width - 22, 12.5)}
        <title>{box.title}</title>
      </text>
      <text className="box-subtitle" x={12} y={33}>
        {cut(box.subtitle, place.width - 22, 11)}
      </text>
      {box.rows.map((row, n) => (
        <RowShape key={row.id} row={row} y={tops[n] ?? 0} width={place.width} hand={hand} start={row.id === start} />
      ))}
    </g>
  );
}

/** `lit`: the row whose edges stand out. */
export const World = memo(function World({ drawn, hand, lit }: { drawn: Drawn; hand: Hand; lit: string | null }) {
  return (
    <>
      <g {...UNTOLD}>
        {drawn.edges.map(({ edge, path }) => {
          const near = lit !== null && (edge.from === lit || edge.to === lit);
          const classes = `edge edge-${edge.kind} ${lit !== null ? (near ? "edge-lit" : "edge-faded") : ""}`;
          return (
            <path key={edge.id} d={path} className={classes} markerEnd="url(#lineage-arrow)">
              <title>{edge.via}</title>
            </path>
          );
        })}
      </g>
      {drawn.boxes.map(({ box, place }) => (
        <BoxShape key={box.id} box={box} place={place} hand={hand} start={drawn.model.start} />
      ))}
    </>
  );
});
