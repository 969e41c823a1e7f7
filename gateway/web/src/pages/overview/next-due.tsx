import { EmptyWithAdvice, Panel, PriorityTag, TicketLink, useNow, When } from "../../parts";
import type { Due } from "./figures";
import { useTexts } from "./texts";

/** Whose promise runs out first. */
export function NextDue({ tickets }: { tickets: Due[] }) {
  const t = useTexts();
  const now = useNow();
  return (
    <Panel title={t("nextDue")} flush>
      {tickets.length === 0 ? (
        <EmptyWithAdvice title={t("nextDueEmpty")} />
      ) : (
        <ul className="lines">
          {tickets.map((each) => {
            const late = each.resolution_due !== null && Date.parse(each.resolution_due) < now;
            return (
              <li key={each.id}>
                <PriorityTag priority={each.priority} />
                <TicketLink id={each.id} title={each.title ?? ""} />
                <span className={late ? "tone-bad due" : "due"}>
                  <When at={each.resolution_due} ahead />
                </span>
                <span className="holder">{each.assignee ?? each.group ?? t("nobody")}</span>
              </li>
            );
          })}
        </ul>
      )}
    </Panel>
  );
}
