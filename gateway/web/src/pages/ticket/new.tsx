import { Button, Form, Input, Select } from "antd";
import { useState } from "react";
import { useNavigate } from "react-router";
import { answer, api } from "../../api/client";
import { Page, Panel, ProblemAlert, useCommon } from "../../parts";
import { type Body, bodyOf } from "../../tickets/action-form";
import { useGroups, usePeople } from "../../tickets/people";
import type { FormField } from "../../tickets/types";
import { KINDS, useWord } from "../../tickets/words";
import { useTexts } from "./texts";

const FIELDS: Pick<FormField, "name" | "type">[] = [
  { name: "title", type: "line" },
  { name: "description", type: "text" },
  { name: "kind", type: "choice" },
  { name: "priority", type: "choice" },
  { name: "group", type: "group" },
  { name: "assignee", type: "person" },
  { name: "device", type: "line" },
  { name: "customer", type: "line" },
  { name: "labels", type: "labels" },
];

/** A ticket by hand. */
export default function NewTicket() {
  const t = useTexts();
  const common = useCommon();
  const word = useWord();
  const people = usePeople();
  const groups = useGroups();
  const navigate = useNavigate();
  const [error, setError] = useState<unknown>();
  const [sending, setSending] = useState(false);
  const send = async (given: Body) => {
    setSending(true);
    setError(undefined);
    try {
      const body = bodyOf(FIELDS as FormField[], given);
      const made = await answer<{ id: string }>(api.POST("/v1/tickets", { body: body as never }));
      void navigate(`/tickets/${made.id}`, { replace: true });
    } catch (refused) {
      setError(refused);
    } finally {
      setSending(false);
    }
  };
  return (
    <Page title={t("newTitle")}>
      <Panel title={t("details")} style={{ maxWidth: 760 }}>
        <Form
          layout="vertical"
          initialValues={{ kind: "incident", priority: "P2" }}
          onFinish={(given) => void send(given)}
        >
          <Form.Item name="title" label={t("ticketTitle")} rules={[{ required: true, whitespace: true }]}>
            <Input maxLength={500} autoFocus />
          </Form.Item>
          <Form.Item name="description" label={t("description")}>
            <Input.TextArea rows={4} maxLength={20_000} />
          </Form.Item>
          <div className="new-two">
            <Form.Item name="kind" label={t("kind")}>
              <Select options={KINDS.map((kind) => ({ value: kind, label: word(kind) }))} />
            </Form.Item>
            <Form.Item name="priority" label={t("priority")}>
              <Select options={(["P0", "P1", "P2", "P3"] as const).map((p) => ({ value: p, label: common(p) }))} />
            </Form.Item>
            <Form.Item name="group" label={t("group")}>
              <Select
                allowClear
                showSearch
                options={groups.map((each) => ({ value: each.id, label: each.name }))}
                notFoundContent={t("nobody")}
              />
            </Form.Item>
            <Form.Item name="assignee" label={t("holder")}>
              <Select
                allowClear
                showSearch
                options={people.filter((p) => p.active).map((each) => ({ value: each.id, label: each.name }))}
                notFoundContent={t("nobody")}
              />
            </Form.Item>
            <Form.Item name="device" label={t("device")}>
              <Input placeholder="DEV-2026-000001" />
            </Form.Item>
            <Form.Item name="customer" label={t("customer")}>
              <Input placeholder="CUST-2026-000001" />
            </Form.Item>
          </div>
          <Form.Item name="labels" label={t("labels")}>
            <Input.TextArea rows={2} placeholder="site=south" />
          </Form.Item>
          {error !== undefined && <ProblemAlert error={error} />}
          <Button type="primary" htmlType="submit" loading={sending} style={{ marginTop: 12 }}>
            {t("create")}
          </Button>
        </Form>
      </Panel>
    </Page>
  );
}
