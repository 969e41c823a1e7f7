import { useEffect, useRef } from "react";

/** Single keys for the whole page, except while somebody types or a dialog is open. */
export function useKeys(keys: Record<string, () => void>): void {
  const held = useRef(keys);
  held.current = keys;
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement;
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (target.closest("input,textarea,select,[contenteditable],[role=dialog],[role=combobox],[role=menu]")) return;
      if (event.key === "Enter" && target.closest("a,button")) return;
      const act = held.current[event.key];
      if (!act) return;
      event.preventDefault();
      act();
    };
    document.addEventListener("keydown", pressed);
    return () => document.removeEventListener("keydown", pressed);
  }, []);
}
