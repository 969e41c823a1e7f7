/** The graph of a view of the schema. */
import type { Language } from "../../../i18n";
import type { Texts } from "../texts";
import type { NodeRef, ShownNode, System, View } from "../types";
import { type Box, kindOf, type Model, type Row, rowId } from "./model";

/** How deep a field lies below others of its box: `labels.host` stands below `labels`. */
function indents(fields: (string | null)[]): Map<string | null, number> {
  const known = new Set(fields);
  const made = new Map<string | null, number>();
  for (const field of fields) {
    let depth = 0;
    if (field !== null) {
      const parts = field.split(/[.[]/);
      for (let n = 1; n < parts.length; n++) if (known.has(parts.slice(0, n).join("."))) depth++;
    }
    made.set(field, depth);
  }
  return made;
}

const byName = (a: NodeRef, b: NodeRef): number =>
  a.field === null ? -1 : b.field === null ? 1 : a.field < b.field ? -1 : a.field > b.field ? 1 : 0;

export function modelOfView(view: View, systems: System[], t: Texts, language: Language): Model {
  const titles = new Map(systems.map((s) => [s.id, language === "zh" ? s.title_zh : s.title]));
  const byDataset = new Map<string, ShownNode[]>();
  for (const node of view.nodes) byDataset.set(node.dataset, [...(byDataset.get(node.dataset) ?? []), node]);
  const boxes: Box[] = [];
  for (const [dataset, nodes] of byDataset) {
    nodes.sort(byName);
    const indent = indents(nodes.map((n) => n.field));
    const system = nodes[0]?.system ?? "";
    const own = system === "weft";
    const rows: Row[] = nodes.map((n) => ({
      id: rowId(dataset, n.field),
      label: n.field ?? t("whole"),
      name: t("rowLabel", {
        dataset,
        field: n.field ?? t("whole"),
        us: n.upstream_shown,
        ut: n.upstream_total,
        ds: n.downstream_shown,
        dt: n.downstream_total,
      }),
      indent: indent.get(n.field) ?? 0,
      node: { dataset, field: n.field },
      up: { shown: n.upstream_shown, total: n.upstream_total },
      down: { shown: n.downstream_shown, total: n.downstream_total },
    }));
    boxes.push({
      id: dataset,
      title: dataset,
      subtitle: own ? "Weft" : (titles.get(system) ?? system),
      tone: dataset === view.start.dataset ? "result" : own ? "hub" : "source",
      rows,
    });
  }
  const edges = view.edges.map((e, n) => ({
    id: `e${n}`,
    from: rowId(e.source.dataset, e.source.field),
    to: rowId(e.target.dataset, e.target.field),
    kind: kindOf(e.subtype),
    via: e.via,
  }));
  return { boxes, edges, start: rowId(view.start.dataset, view.start.field) };
}
