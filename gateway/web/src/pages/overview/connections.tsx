import { Link } from "react-router";
import { EmptyWithAdvice, Health, Panel, When } from "../../parts";
import { useSession } from "../../session";
import type { ConnectionHealth, Level } from "./figures";
import { useTexts } from "./texts";

const WORST_FIRST: Record<Level, number> = { bad: 0, warning: 1, unknown: 2, good: 3, off: 4 };

/** How each connected system fares; those that are unwell first. */
export function ConnectionsPanel({ connections }: { connections: ConnectionHealth[] }) {
  const t = useTexts();
  const { may } = useSession();
  const sorted = [...connections].sort((a, b) => WORST_FIRST[a.level] - WORST_FIRST[b.level]);
  return (
    <Panel title={t("connections")} flush>
      {sorted.length === 0 ? (
        <EmptyWithAdvice
          title={t("connectionsEmpty")}
          advice={t("connectionsAdvice")}
          action={may("configure") && <Link to="/studio">{t("addConnection")}</Link>}
        />
      ) : (
        <table className="grid">
          <thead>
            <tr>
              <th scope="col">{t("connection")}</th>
              <th scope="col">{t("health")}</th>
              <th scope="col" className="number">
                {t("since")}
              </th>
            </tr>
          </thead>
          <tbody>
            {sorted.map((each) => (
              <tr key={each.connection}>
                <th scope="row">
                  {may("configure") ? (
                    <Link to={`/studio/connections/${encodeURIComponent(each.connection)}`}>{each.connection}</Link>
                  ) : (
                    each.connection
                  )}
                  <span className="by-the-way">{each.connector}</span>
                </th>
                <td>
                  <Health level={each.level === "unknown" ? "off" : each.level}>{t(each.level)}</Health>
                  {each.reason && <div className="by-the-way">{each.reason}</div>}
                </td>
                <td className="number">
                  <When at={each.since} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Panel>
  );
}
