/** Values and names of identity as people read them. */
import type { Texts } from "./texts";

const KINDS = new Set(["customer", "device", "article", "supplier", "product"]);

export const kindName = (kind: string, t: Texts): string => (KINDS.has(kind) ? t(kind as "customer") : kind);

export function told(value: unknown): string {
  if (value === null || value === undefined || value === "") return "–";
  return typeof value === "string" ? value : JSON.stringify(value);
}

const RULES = new Set(["lock", "only", "agreed", "priority", "recency", "completeness", "frequency", "tie"]);
export const ruleName = (rule: string, t: Texts): string => (RULES.has(rule) ? t(`rule_${rule}` as "rule_only") : rule);
