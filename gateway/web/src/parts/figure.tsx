import type { ReactNode } from "react";
import { Link } from "react-router";

/** A number with its name; it leads to the list that it counts. */
export function Figure(props: {
  name: ReactNode;
  value: ReactNode;
  to?: string;
  tone?: "bad" | "warning";
  note?: ReactNode;
}) {
  const body = (
    <>
      <span className="figure-name">{props.name}</span>
      <span className={`figure-value ${props.tone ? `tone-${props.tone}` : ""}`}>{props.value}</span>
      {props.note && <span className="figure-note">{props.note}</span>}
    </>
  );
  return props.to ? (
    <Link to={props.to} className="figure figure-link">
      {body}
    </Link>
  ) : (
    <div className="figure">{body}</div>
  );
}
