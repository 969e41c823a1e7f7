/** What fits at the cursor: fields of the record, functions with their meaning, fields of the sample. */
import type { Completion, CompletionContext, CompletionSource } from "@codemirror/autocomplete";
import type { Language, Tried } from "./shapes";

const functions = (language: Language): Completion[] =>
  language.functions.map((f) => ({
    label: f.name,
    detail: f.signature.slice(f.name.length),
    type: "function",
    apply: `${f.name}(`,
    info: [f.doc, ...f.examples.slice(0, 2)].join("\n"),
  }));

const paths = (sample: Tried["paths"]): Completion[] =>
  sample.map((p) => ({
    label: p.path,
    detail: p.value ? `${p.kind} · ${p.value.slice(0, 32)}` : p.kind,
    type: "variable",
    boost: 5,
  }));

/** In a mapping: behind `name:` an expression, before it a field of the record. */
export function mappingCompletion(
  language: Language | undefined,
  tried: Tried | undefined,
  target: string,
): CompletionSource {
  return (context: CompletionContext) => {
    if (!language) return null;
    const line = context.state.doc.lineAt(context.pos);
    const before = line.text.slice(0, context.pos - line.from);
    const word = context.matchBefore(/[\w.$]+/);
    if (!word && !context.explicit) return null;
    const from = word?.from ?? context.pos;
    const record = language.records.find((r) => r.name === target);
    if (/^\s+[\w]*$/.test(before)) {
      const fields = (record?.fields ?? []).map((f) => ({
        label: f.name,
        detail: `${f.kind}${f.required ? " *" : ""}`,
        type: "property",
        apply: `${f.name}: `,
        info: [f.doc, f.choices.length ? f.choices.join(" | ") : ""].filter(Boolean).join("\n") || undefined,
      }));
      return { from, options: fields, validFor: /^\w*$/ };
    }
    if (/^[\w]*$/.test(before)) {
      const keys = language.mapping_keys.map((k) => ({ label: k, type: "keyword", apply: `${k}: ` }));
      return { from, options: keys, validFor: /^\w*$/ };
    }
    if (/^to:\s*\w*$/.test(before)) {
      return {
        from,
        options: language.records.map((r) => ({ label: r.name, type: "class", info: r.doc })),
        validFor: /^\w*$/,
      };
    }
    return { from, options: [...paths(tried?.paths ?? []), ...functions(language)], validFor: /^[\w.$]*$/ };
  };
}

/** In rules: their keys, and the names and functions of conditions and templates. */
export function ruleCompletion(language: Language | undefined): CompletionSource {
  return (context: CompletionContext) => {
    if (!language) return null;
    const line = context.state.doc.lineAt(context.pos);
    const before = line.text.slice(0, context.pos - line.from);
    const word = context.matchBefore(/[\w.]+/);
    if (!word && !context.explicit) return null;
    const from = word?.from ?? context.pos;
    if (/^[\s-]*\w*$/.test(before)) {
      const record = language.records.find((r) => r.name === "Ticket");
      const inside = /^\s{4,}/.test(before);
      const keys = inside
        ? (record?.fields ?? []).map((f) => ({
            label: f.name,
            detail: f.kind,
            type: "property",
            apply: `${f.name}: `,
            info: f.doc || undefined,
          }))
        : language.rule_keys.map((k) => ({ label: k, type: "keyword", apply: `${k}: ` }));
      return { from, options: keys, validFor: /^\w*$/ };
    }
    if (/\bon:\s*\w*$/.test(before)) {
      return { from, options: language.rules_on.map((label) => ({ label, type: "class" })), validFor: /^\w*$/ };
    }
    const on = kindAbove(context);
    const record = language.records.find((r) => r.name === on);
    const names: Completion[] = [
      ...(record?.fields ?? []).map((f) => ({
        label: f.name,
        detail: f.kind,
        type: "variable",
        info: f.doc || undefined,
        boost: 5,
      })),
      ...language.rule_names.map((label) => ({ label, type: "variable" })),
    ];
    return { from, options: [...names, ...functions(language)], validFor: /^[\w.]*$/ };
  };
}

function kindAbove(context: CompletionContext): string {
  for (let n = context.state.doc.lineAt(context.pos).number; n > 0; n -= 1) {
    const found = /^\s*(?:- )?on:\s*(\w+)/.exec(context.state.doc.line(n).text);
    if (found?.[1]) return found[1];
    if (n < context.state.doc.lineAt(context.pos).number && /^\s*- /.test(context.state.doc.line(n).text)) break;
  }
  return "Alert";
}
