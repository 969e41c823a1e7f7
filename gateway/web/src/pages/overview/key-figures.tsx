import { Figure } from "../../parts";
import { useSession } from "../../session";
import type { Overview } from "./figures";
import { useTexts } from "./texts";

/** What a glance is for; each leads to its list. */
export function KeyFigures({ of }: { of: Overview }) {
  const t = useTexts();
  const { may } = useSession();
  const { tickets, connections, dead_letters: dead, commands } = of;
  const sick = connections?.filter((each) => each.level === "bad").length ?? 0;
  return (
    <div className="key-figures panel">
      <Figure
        name={t("open")}
        value={tickets.open}
        to="/tickets?open=true"
        note={tickets.complete ? undefined : t("incompleteNote")}
      />
      <Figure
        name={t("overdue")}
        value={tickets.overdue}
        tone={tickets.overdue > 0 ? "bad" : undefined}
        to="/tickets?sla=overdue&order=due"
      />
      <Figure
        name={t("atRisk")}
        value={tickets.at_risk}
        tone={tickets.at_risk > 0 ? "warning" : undefined}
        to="/tickets?sla=at_risk&order=due"
      />
      {dead && (
        <Figure
          name={t("dead")}
          value={dead.total}
          tone={dead.total > 0 ? "warning" : undefined}
          to={may("configure") ? "/studio/dead-letters" : undefined}
        />
      )}
      {commands && (
        <Figure
          name={t("toPerson")}
          value={commands.person}
          tone={commands.person > 0 ? "warning" : undefined}
          note={`${t("waiting", { n: commands.waiting + commands.sending })} · ${t("refused", { n: commands.refused })}`}
        />
      )}
      {connections && (
        <Figure
          name={t("sickConnections")}
          value={sick}
          tone={sick > 0 ? "bad" : undefined}
          note={t("of", { n: connections.length })}
          to={may("configure") ? "/studio" : undefined}
        />
      )}
    </div>
  );
}
