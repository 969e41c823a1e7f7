import { Typography } from "antd";
import type { CSSProperties, ReactNode } from "react";

/** A bordered part of a page with a small heading. */
export function Panel(props: {
  title: ReactNode;
  extra?: ReactNode;
  children: ReactNode;
  style?: CSSProperties;
  flush?: boolean;
}) {
  return (
    <section className="panel" style={props.style}>
      <header className="panel-head">
        <Typography.Title level={2} className="panel-title">
          {props.title}
        </Typography.Title>
        {props.extra}
      </header>
      <div className={props.flush ? "panel-body-flush" : "panel-body"}>{props.children}</div>
    </section>
  );
}
