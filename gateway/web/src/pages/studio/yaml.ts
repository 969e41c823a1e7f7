/** Data of the hub as YAML that people go on writing. */
const PLAIN = /^[A-Za-z_][\w./-]*$/;
const WORDS = new Set(["true", "false", "null", "yes", "no", "on", "off", "y", "n"]);

function scalar(value: unknown): string {
  if (typeof value !== "string") return JSON.stringify(value);
  return PLAIN.test(value) && !WORDS.has(value.toLowerCase()) ? value : JSON.stringify(value);
}

function lines(value: unknown, depth: number): string[] {
  const pad = "  ".repeat(depth);
  const nested = (child: unknown) => typeof child === "object" && child !== null && Object.keys(child).length > 0;
  if (Array.isArray(value)) {
    return value.flatMap((child) => {
      if (!nested(child)) return [`${pad}- ${empty(child)}`];
      const [first = "", ...rest] = lines(child, depth + 1);
      return [`${pad}- ${first.trimStart()}`, ...rest];
    });
  }
  return Object.entries(value as Record<string, unknown>).flatMap(([name, child]) =>
    nested(child)
      ? [`${pad}${scalar(name)}:`, ...lines(child, depth + 1)]
      : [`${pad}${name === "on" ? name : scalar(name)}: ${empty(child)}`],
  );
}

function empty(value: unknown): string {
  if (Array.isArray(value)) return "[]";
  if (typeof value === "object" && value !== null) return "{}";
  return scalar(value);
}

export function yamlOf(value: unknown[]): string {
  return value.length ? `${lines(value, 0).join("\n")}\n` : "[]\n";
}
