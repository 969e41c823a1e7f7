/** From a connector's JSON Schema to a form that people can fill in. */
import type { ErrorSchema, RJSFSchema, UiSchema, ValidatorType } from "@rjsf/utils";
import type { Language } from "../../i18n";
import type { Place } from "./shapes";

type Node = Record<string, unknown>;
const USUAL = new Set([
  "url",
  "username",
  "login",
  "app_id",
  "data_center",
  "organization",
  "topics",
  "connection_string",
  "server",
  "database",
  "file",
  "folder",
  "path",
]);

/** `X or nothing` is X that may be left out: no choice of types is shown for it. In Chinese a field has the title and
 * the description that it brings in Chinese, and `choices`: the words of its values; else the English ones. */
export function plainSchema(schema: Node, language: Language): RJSFSchema {
  return simplified(schema, language) as RJSFSchema;
}

function simplified(node: unknown, language: Language): unknown {
  if (Array.isArray(node)) return node.map((each) => simplified(each, language));
  if (typeof node !== "object" || node === null) return node;
  const made: Node = {};
  for (const [name, value] of Object.entries(node))
    made[name] = ["default", "examples", "enum_zh"].includes(name) ? value : simplified(value, language);
  if (language === "zh") {
    if (typeof made.title_zh === "string") made.title = made.title_zh;
    if (typeof made.description_zh === "string") made.description = made.description_zh;
    if (Array.isArray(made.enum) && made.enum_zh) made.choices = made.enum_zh;
  }
  const branches = made.anyOf;
  if (Array.isArray(branches)) {
    const real = branches.filter((branch: Node) => branch.type !== "null");
    const scalar = real.find((branch: Node) => branch.type === "string") ?? real[0];
    const allScalar = real.every((branch: Node) => ["string", "number", "integer"].includes(String(branch.type)));
    if (real.length === 1 || (real.length > 1 && allScalar)) {
      const { anyOf: _, ...rest } = made;
      const merged: Node = { ...(scalar as Node), ...rest };
      if (merged.default === null) delete merged.default;
      return merged;
    }
  }
  return made;
}

/** Secrets are write-only; what is seldom needed waits behind a switch. */
export function uiOf(
  schema: RJSFSchema,
  secrets: string[],
  all: boolean,
  kept: (path: string) => boolean,
  texts: { kept: string; help: string },
): UiSchema {
  const ui: UiSchema = { "ui:submitButtonOptions": { norender: true } };
  const required = new Set(schema.required ?? []);
  const names = Object.keys(schema.properties ?? {});
  const first = (name: string) => required.has(name) || USUAL.has(name) || secrets.some((s) => s === name);
  ui["ui:order"] = [
    ...names.filter((n) => required.has(n)),
    ...names.filter((n) => !required.has(n) && first(n)),
    ...names.filter((n) => !first(n)),
  ];
  for (const name of names) {
    const standard = (schema.properties?.[name] as Node | undefined)?.default;
    if (typeof standard === "string" || typeof standard === "number") ui[name] = { "ui:placeholder": String(standard) };
    if (!all && !first(name)) ui[name] = { "ui:widget": "hidden", "ui:field": "StudioHidden" };
  }
  for (const path of secrets) {
    let here: UiSchema = ui;
    for (const step of path.replaceAll("[]", ".items").split(".")) {
      if (step === "*") break;
      here[step] = { ...(here[step] as UiSchema) };
      here = here[step] as UiSchema;
    }
    if (path.includes("*")) continue;
    here["ui:widget"] = "password";
    here["ui:options"] = { autocomplete: "new-password" };
    here["ui:placeholder"] = kept(path) ? texts.kept : "";
    here["ui:help"] = texts.help;
  }
  return ui;
}

/** The hub's problems where the form shows them. */
export function errorsOf(problems: Place[]): ErrorSchema {
  const root: Record<string, unknown> = {};
  for (const problem of problems) {
    let here = root;
    const steps = problem.path
      .replace(/^config\.?/, "")
      .replaceAll(/\[(\d+)\]/g, ".$1")
      .split(".")
      .filter(Boolean);
    for (const step of steps) {
      here[step] ??= {};
      here = here[step] as Record<string, unknown>;
    }
    const told = [problem.message, problem.hint].filter(Boolean).join(" · ");
    here.__errors = [...((here.__errors as string[]) ?? []), told];
  }
  return root as ErrorSchema;
}

/** The hub checks what is filled in, whole and by the very code that will run; here it is only told which branch of a
 * choice some data is of. (A validator that compiles schemas would need `eval`, which the page forbids itself.) */
export const hubValidates: ValidatorType = {
  validateFormData: () => ({ errors: [], errorSchema: {} }),
  isValid: (schema: RJSFSchema, data: unknown) => fits(schema as Node, data),
  rawValidation: () => ({ errors: [] }),
  toErrorList: () => [],
} as unknown as ValidatorType;

function fits(schema: Node, data: unknown): boolean {
  const kinds: Record<string, (value: unknown) => boolean> = {
    string: (v) => typeof v === "string",
    number: (v) => typeof v === "number",
    integer: (v) => Number.isInteger(v),
    boolean: (v) => typeof v === "boolean",
    object: (v) => typeof v === "object" && v !== null && !Array.isArray(v),
    array: Array.isArray,
    null: (v) => v === null,
  };
  const kind = kinds[String(schema.type)];
  if (kind && !kind(data)) return false;
  if ("const" in schema && schema.const !== data) return false;
  if (Array.isArray(schema.enum) && !schema.enum.includes(data)) return false;
  if (Array.isArray(schema.required) && kinds.object?.(data)) {
    if (!schema.required.every((name) => String(name) in (data as Node))) return false;
  }
  const properties = (schema.properties ?? {}) as Record<string, Node>;
  if (kinds.object?.(data)) {
    return Object.entries(properties).every(
      ([name, child]) => !(name in (data as Node)) || fits(child, (data as Node)[name]),
    );
  }
  return true;
}
