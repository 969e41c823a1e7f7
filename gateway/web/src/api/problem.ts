/** A refusal of the hub: an RFC 9457 problem document, as an error. */
export interface ProblemLine {
  path: string;
  message: string;
  hint?: string;
}

export class Problem extends Error {
  override readonly name = "Problem";
  readonly status: number;
  readonly title: string;
  readonly lines: ProblemLine[];
  /** What else the document says: `allowed`, `current_version`, `tickets` ... */
  readonly more: Record<string, unknown>;

  constructor(status: number, document: unknown) {
    const told = (typeof document === "object" && document !== null ? document : {}) as Record<string, unknown>;
    const title = typeof told.title === "string" ? told.title : `HTTP ${status}`;
    const detail = typeof told.detail === "string" && told.detail ? told.detail : title;
    super(detail);
    this.status = status;
    this.title = title;
    this.lines = Array.isArray(told.errors) ? (told.errors as ProblemLine[]) : [];
    this.more = told;
  }
}
