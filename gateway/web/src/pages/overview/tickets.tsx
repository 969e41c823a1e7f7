import { Link } from "react-router";
import { EmptyWithAdvice, Panel, PriorityTag } from "../../parts";
import { type Overview, PRIORITIES } from "./figures";
import { useTexts } from "./texts";

/** Open tickets by group and priority; each number leads to its list. */
export function Tickets({ tickets }: { tickets: Overview["tickets"] }) {
  const t = useTexts();
  return (
    <Panel title={t("byGroup")} flush>
      {tickets.open === 0 ? (
        <EmptyWithAdvice title={t("noTickets")} advice={t("noTicketsAdvice")} />
      ) : (
        <table className="grid">
          <thead>
            <tr>
              <th scope="col">{t("group")}</th>
              {PRIORITIES.map((priority) => (
                <th key={priority} scope="col" className="number">
                  <PriorityTag priority={priority} />
                </th>
              ))}
              <th scope="col" className="number">
                {t("total")}
              </th>
            </tr>
          </thead>
          <tbody>
            {tickets.by_group.map((each) => (
              <tr key={each.group ?? ""}>
                <th scope="row">{each.name ?? t("noGroup")}</th>
                {PRIORITIES.map((priority) => (
                  <td key={priority} className="number">
                    <Count n={each.by_priority[priority] ?? 0} to={listOf(each.group, priority)} />
                  </td>
                ))}
                <td className="number">
                  <Count n={each.open} to={listOf(each.group)} />
                </td>
              </tr>
            ))}
          </tbody>
          <tfoot>
            <tr>
              <th scope="row">{t("total")}</th>
              {PRIORITIES.map((priority) => (
                <td key={priority} className="number">
                  <Count n={tickets.by_priority[priority] ?? 0} to={`/tickets?open=true&priority=${priority}`} />
                </td>
              ))}
              <td className="number">
                <Count n={tickets.open} to="/tickets?open=true" />
              </td>
            </tr>
          </tfoot>
        </table>
      )}
    </Panel>
  );
}

/** The desk's address of these tickets; `null`: those of no group. */
function listOf(group: string | null, priority?: string): string {
  const asked = new URLSearchParams({ open: "true", ...(group === null ? { ungrouped: "true" } : { group }) });
  if (priority) asked.set("priority", priority);
  return `/tickets?${asked}`;
}

function Count({ n, to }: { n: number; to: string }) {
  return n === 0 ? <span className="nothing">0</span> : <Link to={to}>{n}</Link>;
}
