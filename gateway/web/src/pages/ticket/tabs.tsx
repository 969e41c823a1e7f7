import { type KeyboardEvent, type ReactNode, useId, useRef } from "react";

export interface Tab {
  key: string;
  label: string;
  children: ReactNode;
}

/** Tabs that scroll sideways where they do not fit; only the chosen one is there. */
export function TabRow({
  tabs,
  at,
  label,
  onChange,
}: {
  tabs: Tab[];
  at: string;
  label: string;
  onChange: (key: string) => void;
}) {
  const id = useId();
  const row = useRef<HTMLDivElement>(null);
  const chosen = tabs.find((tab) => tab.key === at) ?? tabs[0];
  const move = (event: KeyboardEvent) => {
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (step === 0 || !chosen) return;
    const n = (tabs.indexOf(chosen) + step + tabs.length) % tabs.length;
    const next = tabs[n];
    if (!next) return;
    onChange(next.key);
    row.current?.querySelectorAll<HTMLElement>("[role=tab]")[n]?.focus();
  };
  return (
    <div>
      <div role="tablist" aria-label={label} className="tab-row" ref={row} onKeyDown={move}>
        {tabs.map((tab) => (
          <button
            key={tab.key}
            type="button"
            role="tab"
            id={`${id}-${tab.key}`}
            aria-selected={tab === chosen}
            aria-controls={`${id}-panel`}
            tabIndex={tab === chosen ? 0 : -1}
            className="tab"
            onClick={() => onChange(tab.key)}
          >
            {tab.label}
          </button>
        ))}
      </div>
      <div role="tabpanel" id={`${id}-panel`} aria-labelledby={`${id}-${chosen?.key}`} className="tab-panel">
        {chosen?.children}
      </div>
    </div>
  );
}
