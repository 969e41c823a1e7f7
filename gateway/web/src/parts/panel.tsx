import { Typography } from "antd";
import { type CSSProperties, type ReactNode, useId } from "react";

/** A bordered part of a page with a small heading. */
export function Panel(props: {
  title: ReactNode;
  extra?: ReactNode;
  children: ReactNode;
  style?: CSSProperties;
  flush?: boolean;
}) {
  const heading = useId();
  return (
    <section className="panel" style={props.style}>
      <header className="panel-head">
        <Typography.Title level={2} className="panel-title" id={heading}>
          {props.title}
        </Typography.Title>
        {props.extra}
      </header>
      {props.flush ? (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard
        // biome-ignore lint/a11y/useSemanticElements: no form; and a section would be a landmark within its own panel
        <div className="panel-body-flush" role="group" tabIndex={0} aria-labelledby={heading}>
          {props.children}
        </div>
      ) : (
        <div className="panel-body">{props.children}</div>
      )}
    </section>
  );
}
