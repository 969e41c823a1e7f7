import { useQueryClient } from "@tanstack/react-query";
import { App, Button, Dropdown } from "antd";
import { useState } from "react";
import { answer, api } from "../../api/client";
import { useLanguage } from "../../i18n";
import { TicketLink } from "../../parts";
import { ActionForm, type Body } from "../../tickets/action-form";
import type { Offered, Ticket } from "../../tickets/types";
import { useTexts } from "./texts";

interface Result {
  ticket: string;
  done: boolean;
  problem?: { title: string; detail: string };
}
interface Told {
  done: number;
  refused: number;
  results: Result[];
}

/** What can be done with all the selected tickets at once. */
export function BulkBar({ tickets, onDone }: { tickets: Ticket[]; onDone: (refused: string[]) => void }) {
  const t = useTexts();
  const [language] = useLanguage();
  const { message, modal } = App.useApp();
  const queries = useQueryClient();
  const [offered, setOffered] = useState<Offered[]>([]);
  const [chosen, setChosen] = useState<Offered>();
  const first = tickets[0];
  const load = async () => {
    if (!first) return;
    const params = { path: { ticket: first.id } };
    const told = await queries.fetchQuery({
      queryKey: ["ticket", first.id, "actions"],
      queryFn: () => answer<{ items: Offered[] }>(api.GET("/v1/tickets/{ticket}/actions", { params })),
    });
    setOffered(told.items.filter((action) => action.many));
  };
  const send = async (body: Body) => {
    if (!chosen) return;
    const asked = tickets.map((ticket) => ({ ticket: ticket.id, expected_version: ticket.version }));
    const told = await answer<Told>(
      api.POST("/v1/desk/bulk", { body: { action: chosen.name, tickets: asked, ...body } as never }),
    );
    if (told.done > 0) message.success(t("done", { n: told.done }));
    const refused = told.results.filter((result) => !result.done);
    if (refused.length > 0) {
      modal.warning({
        title: t("refusedTitle"),
        width: 560,
        content: (
          <ul className="refused">
            {refused.map((result) => (
              <li key={result.ticket}>
                <TicketLink id={result.ticket} />
                <div className="quiet">{result.problem?.detail || result.problem?.title}</div>
              </li>
            ))}
          </ul>
        ),
      });
    }
    onDone(refused.map((result) => result.ticket));
    await queries.invalidateQueries({ queryKey: ["desk"] });
  };
  const words = (action: Offered) => (language === "zh" ? action.label_zh : action.label);
  return (
    <section className="bulk" aria-label={t("act")}>
      <strong>{t("selected", { n: tickets.length })}</strong>
      <Dropdown
        trigger={["click"]}
        onOpenChange={(open) => open && void load()}
        menu={{
          items: offered.map((action) => ({ key: action.name, label: words(action) })),
          onClick: ({ key }) => setChosen(offered.find((action) => action.name === key)),
        }}
      >
        <Button type="primary">{t("act")}</Button>
      </Dropdown>
      <Button type="text" onClick={() => onDone([])}>
        {t("unselect")}
      </Button>
      {chosen && (
        <ActionForm
          key={chosen.name}
          action={chosen}
          open
          note={<p className="quiet">{t("bulkNote", { n: tickets.length })}</p>}
          onClose={() => setChosen(undefined)}
          onSend={send}
        />
      )}
    </section>
  );
}
