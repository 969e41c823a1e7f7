/** The graph of one value: the source record, each mapping's record, the ticket, and what depends on it. */
import type { Language } from "../../../i18n";
import type { Texts } from "../texts";
import type { Impact, Origin, Trace } from "../types";
import { shown, systemTitle } from "../words";
import { type Box, type Edge, type Kind, kindOf, type Model, type Row, rowId } from "./model";

const CONSUMERS = 12;

/** `labels.host[0]` begins with `labels`. */
const within = (path: string, field: string): boolean =>
  path === field || path.startsWith(`${field}.`) || path.startsWith(`${field}[`);

const reads = (trace: Trace): string[] =>
  trace.steps.flatMap((s) => (s.operation === "read" && s.path ? [s.path] : []));
const copies = (trace: Trace): boolean => trace.steps.every((step) => step.operation === "read");

class Drawing {
  readonly boxes = new Map<string, Box>();
  readonly edges = new Map<string, Edge>();
  readonly t: Texts;
  readonly language: Language;

  constructor(t: Texts, language: Language) {
    this.t = t;
    this.language = language;
  }

  row(box: Omit<Box, "rows">, field: string, value: unknown, told = true): string {
    const held = this.boxes.get(box.id) ?? { ...box, rows: [] };
    this.boxes.set(box.id, held);
    const id = rowId(box.id, field);
    if (!held.rows.some((row) => row.id === id)) {
      const text = told ? shown(value, this.t, 48) : undefined;
      const row: Row = { id, label: field, indent: 0, node: null, name: "" };
      row.name = this.t("valueRowLabel", { dataset: box.title, field, value: text ?? "" });
      if (text !== undefined) row.value = text;
      held.rows.push(row);
    }
    return id;
  }

  edge(from: string, to: string, kind: Kind, via: string): void {
    const id = `${from} ${to} ${kind}`;
    if (from !== to) this.edges.set(id, { id, from, to, kind, via });
  }

  /** The chain of one value up to a row; answers where it ends. `place` keeps apart chains of several values. */
  chain(origin: Origin, end: string, place: string): void {
    const last = origin.stages.length - 1;
    const ofStage = (n: number): Trace[] => origin.traces.filter((trace) => trace.stage === n);
    const stageRow = (trace: Trace): string =>
      trace.stage === last
        ? end
        : this.row(
            { id: `${place}stage${trace.stage}`, title: trace.mapping, subtitle: this.t("mapping"), tone: "hub" },
            trace.field,
            trace.value,
          );
    const facts = new Map(origin.facts.map((fact) => [fact.name, fact]));
    for (const trace of origin.traces) {
      const to = stageRow(trace);
      for (const path of reads(trace)) {
        const kind: Kind = copies(trace) ? "IDENTITY" : "TRANSFORMATION";
        const fact = [...facts.values()].find((f) => within(path, f.name));
        const before = ofStage(trace.stage - 1).find((other) => within(path, other.field));
        if (fact && !before) this.edge(this.fact(origin, fact.name, place), to, kind, trace.mapping);
        else if (before) this.edge(stageRow(before), to, kind, trace.mapping);
        else {
          for (const source of origin.sources.filter((s) => within(path, s.field) || within(s.field, path)))
            this.edge(this.source(origin, source, place), to, kind, trace.mapping);
        }
      }
    }
    if (origin.traces.length === 0) {
      for (const source of origin.sources) this.edge(this.source(origin, source, place), end, "IDENTITY", "");
      for (const fact of origin.facts) this.edge(this.fact(origin, fact.name, place), end, "IDENTITY", "");
    }
  }

  source(origin: Origin, source: Origin["sources"][number], place: string): string {
    return this.row(
      {
        id: `${place}${source.dataset} ${source.key}`,
        title: `${source.dataset} · ${source.key}`,
        subtitle: systemTitle(origin, source.system, this.language),
        tone: "source",
      },
      source.field,
      source.raw,
    );
  }

  fact(origin: Origin, name: string, place: string): string {
    const fact = origin.facts.find((f) => f.name === name);
    const box = { id: `${place}facts`, title: this.t("fromHub"), subtitle: "Weft", tone: "hub" as const };
    const id = this.row(box, name, fact?.value);
    if (fact?.derived) this.chain(fact.derived, id, `${place}${name}/`);
    else if (fact?.source) this.edge(this.source(origin, fact.source, place), id, "IDENTITY", "");
    return id;
  }
}

export function modelOfValue(
  ticket: string,
  origin: Origin,
  impact: Impact | undefined,
  t: Texts,
  language: Language,
): Model {
  const drawing = new Drawing(t, language);
  const box = { id: ticket, title: ticket, subtitle: t("ticket"), tone: "result" as const };
  const end = drawing.row(box, origin.field, origin.stored ?? origin.value);
  drawing.chain(origin, end, "");
  const direct = impact?.predicted.filter((p) => p.source.dataset === "Ticket" && p.subtype !== "PART") ?? [];
  for (const each of direct.slice(0, CONSUMERS)) {
    const target = { id: each.dataset, title: each.dataset, subtitle: t("predicted"), tone: "effect" as const };
    drawing.edge(end, drawing.row(target, each.field ?? t("whole"), undefined, false), kindOf(each.subtype), each.via);
  }
  if (direct.length > CONSUMERS) {
    const rest = {
      id: "more consumers",
      title: t("moreConsumers", { n: direct.length - CONSUMERS }),
      subtitle: t("predicted"),
    };
    drawing.edge(end, drawing.row({ ...rest, tone: "effect" }, t("seeBelow"), undefined, false), "TRANSFORMATION", "");
  }
  for (const each of impact?.done ?? []) {
    const target = { id: `done ${each.dataset}`, title: each.dataset, subtitle: t("done"), tone: "effect" as const };
    drawing.edge(end, drawing.row(target, each.key, each.state), "DONE", each.rule);
  }
  return { boxes: [...drawing.boxes.values()], edges: [...drawing.edges.values()], start: end };
}
