/** Values and steps as people read them. */
import type { Language } from "../../i18n";
import type { Texts } from "./texts";
import type { Origin, Step } from "./types";

/** A value in one line; maps and lists as JSON, cut at `most` characters. */
export function shown(value: unknown, t: Texts, most = 160): string {
  if (value === null || value === undefined || value === "") return t("empty");
  if (typeof value === "object" && !Array.isArray(value)) {
    if ("masked" in value) return t("masked");
    if ("erased" in value) return t("erasedValue");
  }
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > most ? `${text.slice(0, most)}…` : text;
}

/** The same with quotes around texts, within a sentence. */
export function quoted(value: unknown, t: Texts): string {
  return typeof value === "string" && value !== "" ? `“${shown(value, t, 80)}”` : shown(value, t, 80);
}

const NAMED = new Set([
  "first", "lookup", "concat", "strip", "squeeze", "upper", "lower", "half_width", "round", "convert", "severity", "default",
  "coalesce", "replace", "split", "join", "digits", "datetime", "num", "text", "truncate", "merge", "sum", "get",
]); // biome-ignore format: one list

/** What a step does, in words; the operation's own name where there is none. */
export function operation(step: Step, t: Texts): string {
  return NAMED.has(step.operation) ? t(`op.${step.operation}` as Parameters<Texts>[0]) : step.operation;
}

/** What a system is called. */
export function systemTitle(origin: Origin, system: string, language: Language): string {
  const known = origin.systems?.[system];
  if (!known) return system;
  const title = language === "zh" ? known.title_zh : known.title;
  return title === system ? title : `${title} (${system})`;
}

export const moment = (micros: number): string => new Date(micros / 1000).toISOString();
