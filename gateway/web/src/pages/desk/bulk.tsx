import { useQueryClient } from "@tanstack/react-query";
import { App, Button, Dropdown, Modal } from "antd";
import { useState } from "react";
import { answer, api } from "../../api/client";
import { useLanguage } from "../../i18n";
import { TicketLink, useCommon } from "../../parts";
import { ActionForm, type Body } from "../../tickets/action-form";
import type { Offered, Ticket } from "../../tickets/types";
import { useTexts } from "./texts";

export interface Result {
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
export function BulkBar({ tickets, onDone }: { tickets: Ticket[]; onDone: (refused: Result[]) => void }) {
  const t = useTexts();
  const [language] = useLanguage();
  const { message } = App.useApp();
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
    onDone(refused);
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

/** What was refused of many, each with the hub's reason. */
export function Refused({ results, onClose }: { results: Result[]; onClose: () => void }) {
  const t = useTexts();
  const common = useCommon();
  return (
    <Modal
      open={results.length > 0}
      title={`${t("refusedTitle")} · ${results.length}`}
      onCancel={onClose}
      footer={<Button onClick={onClose}>{common("close")}</Button>}
    >
      <ul className="refused">
        {results.map((result) => (
          <li key={result.ticket}>
            <TicketLink id={result.ticket} />
            <div className="quiet">{result.problem?.detail || result.problem?.title}</div>
          </li>
        ))}
      </ul>
    </Modal>
  );
}
