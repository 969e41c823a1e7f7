import dayjs from "dayjs";
import { useEffect, useMemo, useRef } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { useLook } from "../../theme";
import { useTexts } from "./texts";

export interface Limits {
  above: string | null;
  below: string | null;
  told: string;
}
export interface Series {
  name: string;
  section: string;
  unit: string | null;
  points: [string, string][];
  limits: Limits | null;
}

const HEIGHT = 132;

/** The time of a mark in one line; its date at midnight. */
const when = (mark: number) => {
  const at = dayjs.unix(mark);
  return at.format(at.hour() === 0 && at.minute() === 0 ? "MM-DD" : "HH:mm");
};

/** One series over time, with its limit and the moment the ticket was opened. */
export default function Chart({ series, opened }: { series: Series; opened: string }) {
  const t = useTexts();
  const place = useRef<HTMLDivElement>(null);
  const { dark } = useLook();
  const last = series.points.at(-1)?.[1] ?? "";
  const data = useMemo<uPlot.AlignedData>(
    () => [series.points.map(([at]) => Date.parse(at) / 1000), series.points.map(([, value]) => Number(value))],
    [series.points],
  );
  useEffect(() => {
    const at = place.current;
    if (!at) return;
    const style = getComputedStyle(document.documentElement);
    const colour = (name: string, otherwise: string) => style.getPropertyValue(`--ant-color-${name}`) || otherwise;
    const ink = dark ? "#9aa4ab" : "#59636b";
    const grid = { stroke: dark ? "#262c31" : "#e6e9ec", width: 1 };
    const limits = [series.limits?.above, series.limits?.below].flatMap((text) => (text ? [Number(text)] : []));
    const moment = Date.parse(opened) / 1000;
    const chart = new uPlot(
      {
        width: at.clientWidth,
        height: HEIGHT,
        legend: { show: false },
        cursor: { y: false, points: { size: 6 } },
        scales: {
          y: {
            range: (_, low, high) => {
              const [from, to] = [Math.min(low, ...limits), Math.max(high, ...limits)];
              const room = (to - from || Math.abs(to) || 1) * 0.12;
              return [from - room, to + room];
            },
          },
        },
        axes: [
          {
            stroke: ink,
            grid,
            ticks: { show: false },
            size: 26,
            font: "11px sans-serif",
            values: (_, marks) => marks.map(when),
          },
          { stroke: ink, grid, ticks: { show: false }, size: 46, font: "11px sans-serif" },
        ],
        series: [{}, { stroke: colour("primary", dark ? "#2f9db5" : "#0b6b82"), width: 1.75, points: { size: 4 } }],
        hooks: {
          draw: [
            (u) => {
              const { ctx, bbox } = u;
              ctx.save();
              ctx.setLineDash([5, 4]);
              ctx.strokeStyle = dark ? "#e06c67" : "#c4302b";
              for (const limit of limits) {
                const y = Math.round(u.valToPos(limit, "y", true));
                ctx.beginPath();
                ctx.moveTo(bbox.left, y);
                ctx.lineTo(bbox.left + bbox.width, y);
                ctx.stroke();
              }
              ctx.strokeStyle = ink;
              const x = Math.round(u.valToPos(moment, "x", true));
              if (x >= bbox.left && x <= bbox.left + bbox.width) {
                ctx.beginPath();
                ctx.moveTo(x, bbox.top);
                ctx.lineTo(x, bbox.top + bbox.height);
                ctx.stroke();
              }
              ctx.restore();
            },
          ],
        },
      },
      data,
      at,
    );
    const observer = new ResizeObserver(() => chart.setSize({ width: at.clientWidth, height: HEIGHT }));
    observer.observe(at);
    return () => {
      observer.disconnect();
      chart.destroy();
    };
  }, [data, dark, opened, series.limits]);
  const unit = series.unit ?? "";
  return (
    <figure className="chart">
      <figcaption>
        {series.name}{" "}
        <strong>
          {last} {unit}
        </strong>
        {series.limits && <span className="quiet"> {series.limits.told}</span>}
      </figcaption>
      <div
        ref={place}
        role="img"
        aria-label={t("chartOf", { name: series.name, n: series.points.length, last, unit })}
        style={{ height: HEIGHT }}
      />
    </figure>
  );
}
