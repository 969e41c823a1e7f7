import { Panel, StateTag, TicketLink, When } from "../../parts";
import type { Brief, WholeTicket } from "../../tickets/types";
import { useLength } from "../../tickets/words";
import { Links } from "./links";
import { useTexts } from "./texts";

/** Watchers, tickets around it, approvals, handoffs, the customer's links. */
export function Together({ ticket }: { ticket: WholeTicket }) {
  const t = useTexts();
  const length = useLength();
  return (
    <div className="why">
      <Panel title={t("watchers")}>
        <p>{ticket.watchers?.join(", ") || <span className="quiet">{t("nobody")}</span>}</p>
      </Panel>
      {ticket.parent && <Briefs title={t("parent")} of={[ticket.parent]} />}
      <Briefs title={t("children")} of={ticket.children} />
      <Briefs title={t("linked")} of={ticket.linked} />
      {ticket.approvals?.length > 0 && (
        <Panel title={t("approvals")}>
          <ul className="plain">
            {ticket.approvals.map((each) => (
              <li key={each.number}>
                <strong>{each.asked_by}</strong> · {each.state} · <When at={each.asked_at} />
                {each.text && <div>{each.text}</div>}
                {each.awaited.length > 0 && (
                  <div className="quiet">{t("awaited", { who: each.awaited.join(", ") })}</div>
                )}
              </li>
            ))}
          </ul>
        </Panel>
      )}
      {ticket.handoffs?.length > 0 && (
        <Panel title={t("handoffs")}>
          <ul className="plain">
            {ticket.handoffs.map((each) => (
              <li key={each.number}>
                {each.from_group ?? "–"} → <strong>{each.group}</strong> · {each.state} ·{" "}
                <span className={each.overdue ? "tone-bad" : ""}>
                  <When at={each.due} ahead />
                </span>
                {each.text && <div>{each.text}</div>}
                {each.ended_text && <div className="quiet">{each.ended_text}</div>}
              </li>
            ))}
          </ul>
        </Panel>
      )}
      {ticket.stays?.length > 0 && (
        <Panel title={t("stays")}>
          <ul className="plain">
            {ticket.stays.map((each) => (
              <li key={each.since}>
                <strong>{each.group ?? "–"}</strong> · {length(each.seconds)}
              </li>
            ))}
          </ul>
        </Panel>
      )}
      <Links ticket={ticket.id} />
    </div>
  );
}

function Briefs({ title, of }: { title: string; of: Brief[] | null }) {
  const t = useTexts();
  if (!of?.length) return null;
  return (
    <Panel title={title}>
      <ul className="plain">
        {of.map((each) => (
          <li key={each.id} className="brief">
            <TicketLink id={each.id} title={each.title} />
            <StateTag state={each.status} />
            {each.required && <span className="quiet">{t("required")}</span>}
          </li>
        ))}
      </ul>
    </Panel>
  );
}
