/** Bars over time: plain SVG, with the same figures as a table for who cannot see it. */
import dayjs from "dayjs";

export interface Series {
  name: string;
  colour: string;
  values: (number | null)[];
}

const HEIGHT = 96;
const BASE = 14;

/** One bar a moment, its series on top of each other; `line` draws them as lines instead. */
export function Bars(props: { label: string; times: string[]; series: Series[]; line?: boolean; unit?: string }) {
  const { times, series, line } = props;
  const totals = times.map((_, n) =>
    line ? Math.max(...series.map((s) => s.values[n] ?? 0)) : series.reduce((sum, s) => sum + (s.values[n] ?? 0), 0),
  );
  const highest = Math.max(1, ...totals);
  const width = Math.max(times.length, 24);
  const y = (value: number) => BASE + (HEIGHT - BASE) * (1 - value / highest);
  const moment = (at: string) => dayjs(at).format(times.length > 48 ? "MM-DD HH:mm" : "HH:mm");
  return (
    <figure style={{ margin: 0 }}>
      <svg
        className="studio-bars"
        viewBox={`0 0 ${width} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={props.label}
      >
        <title>{props.label}</title>
        {line
          ? series.map((s) => (
              <polyline
                key={s.name}
                fill="none"
                stroke={s.colour}
                strokeWidth={1.5}
                vectorEffect="non-scaling-stroke"
                points={s.values.flatMap((v, n) => (v === null ? [] : [`${n + 0.5},${y(v)}`])).join(" ")}
              />
            ))
          : times.map((at, n) => {
              let from = HEIGHT;
              return series.map((s) => {
                const tall = ((HEIGHT - BASE) * (s.values[n] ?? 0)) / highest;
                from -= tall;
                return tall > 0 ? (
                  <rect key={`${at} ${s.name}`} x={n + 0.1} width={0.8} y={from} height={tall} fill={s.colour} />
                ) : null;
              });
            })}
      </svg>
      <figcaption className="studio-legend">
        {series.map((s) => (
          <span key={s.name}>
            <i style={{ background: s.colour }} aria-hidden />
            {s.name}
          </span>
        ))}
        <span style={{ marginInlineStart: "auto" }}>
          {times[0] ? moment(times[0]) : ""} – {times.at(-1) ? moment(times.at(-1) as string) : ""} · max {highest}
          {props.unit ? ` ${props.unit}` : ""}
        </span>
      </figcaption>
    </figure>
  );
}
