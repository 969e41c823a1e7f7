import type { ReactNode } from "react";
import { Link } from "react-router";
import { useFieldTexts, useTexts } from "./texts";

type Known = Parameters<ReturnType<typeof useFieldTexts>>[0];

/** The name of a field as people read it; one that is not known stays as it is. */
export function useFieldName(): (field: string) => string {
  const t = useFieldTexts();
  return (field) => {
    const told = t(field as Known);
    return told === field || told === `fields:${field}` ? field : told;
  };
}

/** A value of the ticket: a click shows where it came from. */
export function FieldValue({ ticket, field, children }: { ticket: string; field: string; children: ReactNode }) {
  const t = useTexts();
  const name = useFieldName();
  const query = new URLSearchParams({ ticket, field });
  return (
    <Link to={`/lineage?${query}`} className="origin" title={t("lineageOf", { field: name(field) })}>
      {children}
    </Link>
  );
}
