import { Tooltip } from "antd";
import { cloneElement, type HTMLAttributes, type ReactElement, type ReactNode, useState } from "react";

/** A tooltip that is made when somebody first points at its child: a list may have hundreds, and each costs a millisecond. */
export function Hint({ title, children }: { title: ReactNode; children: ReactElement<HTMLAttributes<HTMLElement>> }) {
  const [pointed, setPointed] = useState(false);
  if (!pointed) return cloneElement(children, { onPointerEnter: () => setPointed(true) });
  return (
    <Tooltip title={title} defaultOpen>
      {children}
    </Tooltip>
  );
}
