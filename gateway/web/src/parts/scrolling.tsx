import type { ReactNode } from "react";

/** What may be wider than the window, such as a table on a phone; the keyboard can scroll it. */
export function Scrolling({ label, children }: { label: string; children: ReactNode }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard
    <section className="scrolling" tabIndex={0} aria-label={label}>
      {children}
    </section>
  );
}
