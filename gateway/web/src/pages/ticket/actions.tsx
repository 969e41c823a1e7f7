import { DownOutlined } from "@ant-design/icons";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Alert, App, Button, Dropdown, type MenuProps } from "antd";
import { useState } from "react";
import { answer, api } from "../../api/client";
import { Problem } from "../../api/problem";
import { useLanguage } from "../../i18n";
import { TicketLink } from "../../parts";
import { ActionForm, type Body } from "../../tickets/action-form";
import type { Offered, WholeTicket } from "../../tickets/types";
import { useTexts } from "./texts";

/** What is offered first, when it is possible. The rest is behind "more". */
const FIRST = [
  "accept",
  "decline",
  "claim",
  "start",
  "unblock",
  "approve",
  "refuse",
  "accept_handoff",
  "finish_handoff",
  "resolve",
  "close",
  "confirm",
  "reopen",
  "block",
];

const send = (ticket: string, action: string, body: Body) =>
  answer(
    api.POST("/v1/tickets/{ticket}/{action}", {
      params: { path: { ticket, action: action as never } },
      body: body as never,
    }),
  );

/** What whoever looks may do now, each with the form it needs; and why the rest may not be done. */
export function Actions({
  ticket,
  most,
  onDone,
}: {
  ticket: WholeTicket;
  most: number;
  onDone: () => Promise<unknown>;
}) {
  const t = useTexts();
  const [language] = useLanguage();
  const { message } = App.useApp();
  const [chosen, setChosen] = useState<Offered>();
  const [sending, setSending] = useState("");
  const { data } = useQuery({
    queryKey: ["ticket", ticket.id, "actions", ticket.version],
    queryFn: () =>
      answer<{ items: Offered[] }>(
        api.GET("/v1/tickets/{ticket}/actions", { params: { path: { ticket: ticket.id } } }),
      ),
    placeholderData: keepPreviousData,
  });
  if (!data) return null;
  const words = (action: Offered) => (language === "zh" ? action.label_zh : action.label);
  const possible = data.items.filter((action) => action.possible && action.name !== "comment");
  const first = FIRST.flatMap((name) => possible.filter((action) => action.name === name)).slice(0, most);
  const rest = possible.filter((action) => !first.includes(action));
  const closed = data.items.filter((action) => !action.possible);
  const perform = async (action: Offered, body: Body) => {
    // what was filled in was decided on what one saw: whoever did something meanwhile is not overruled unseen
    const decided = action.fields.length > 0 && action.name !== "confirm";
    const version = decided ? { expected_version: ticket.version } : {};
    try {
      await send(ticket.id, action.name, { ...version, ...body });
    } catch (error) {
      if (error instanceof Problem && error.status === 409) await onDone();
      throw error;
    }
    message.success(t("done", { what: words(action) }));
    await onDone();
  };
  const choose = (action: Offered) => {
    if (action.fields.length > 0 || action.required.length > 0) {
      setChosen(action);
      return;
    }
    setSending(action.name);
    perform(action, {})
      .catch((error: Error) => message.error(error.message))
      .finally(() => setSending(""));
  };
  const items: MenuProps["items"] = rest.map((action) => ({ key: action.name, label: words(action) }));
  if (closed.length > 0) {
    items.push({
      type: "group",
      key: "closed",
      label: t("notPossible"),
      children: closed.map((action) => ({
        key: action.name,
        disabled: true,
        label: (
          <span className="why-not">
            {words(action)}
            <small>{language === "zh" ? action.why_not_zh : action.why_not}</small>
          </span>
        ),
      })),
    });
  }
  return (
    <>
      {first.map((action, n) => (
        <Button
          key={action.name}
          type={n === 0 ? "primary" : "default"}
          loading={sending === action.name}
          disabled={sending !== "" && sending !== action.name}
          onClick={() => choose(action)}
        >
          {words(action)}
        </Button>
      ))}
      <Dropdown
        trigger={["click"]}
        placement="bottomRight"
        menu={{
          items,
          className: "action-menu",
          onClick: ({ key }) => {
            const found = rest.find((action) => action.name === key);
            if (found) choose(found);
          },
        }}
      >
        <Button>
          {t("more")} <DownOutlined />
        </Button>
      </Dropdown>
      {chosen && (
        <ActionForm
          key={chosen.name}
          action={chosen}
          open
          initial={chosen.name === "set" ? initialOf(ticket) : undefined}
          note={<Needed action={chosen} />}
          onClose={() => setChosen(undefined)}
          onSend={(body) => perform(chosen, chosen.name === "set" ? changed(body, ticket) : body)}
        />
      )}
    </>
  );
}

const initialOf = (ticket: WholeTicket): Body => ({
  priority: ticket.priority,
  kind: ticket.kind,
  title: ticket.title,
  description: ticket.description,
  labels: Object.entries(ticket.labels ?? {})
    .map(([name, value]) => `${name}=${value}`)
    .join("\n"),
  device: ticket.device,
  customer: ticket.customer,
});

/** Only what was really changed is sent: what stays keeps its origin. */
function changed(body: Body, ticket: WholeTicket): Body {
  const held = ticket as unknown as Body;
  return Object.fromEntries(
    Object.entries(body).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(held[name])),
  );
}

function Needed({ action }: { action: Offered }) {
  const t = useTexts();
  const [language] = useLanguage();
  if (action.required.length === 0) return null;
  return (
    <Alert
      type="warning"
      className="needed"
      title={t("stillNeeds")}
      description={
        <ul>
          {action.required.map((missing) => (
            <li key={missing.need}>
              {language === "zh" ? `${missing.message_zh}：${missing.how_zh}` : `${missing.message}: ${missing.how}`}
              {missing.tickets.map((id) => (
                <TicketLink key={id} id={id} />
              ))}
            </li>
          ))}
        </ul>
      }
    />
  );
}
