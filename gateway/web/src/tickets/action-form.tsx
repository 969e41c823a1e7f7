import { AutoComplete, Checkbox, DatePicker, Form, Input, InputNumber, Mentions, Modal, Select } from "antd";
import dayjs, { type Dayjs } from "dayjs";
import { type ReactNode, useState } from "react";
import { useLanguage } from "../i18n";
import { ProblemAlert, useCommon } from "../parts";
import { useGroups, usePeople } from "./people";
import type { FormField, Offered } from "./types";

export type Body = Record<string, unknown>;

interface Props {
  action: Pick<Offered, "name" | "label" | "label_zh" | "fields">;
  open: boolean;
  /** Above the fields: what is still required, how many tickets. */
  note?: ReactNode;
  initial?: Body;
  onClose: () => void;
  onSend: (body: Body) => Promise<unknown>;
}

/** The fields that an action asks for, as a dialog; what the hub refuses is told in it. */
export function ActionForm({ action, open, note, initial, onClose, onSend }: Props) {
  const common = useCommon();
  const [language] = useLanguage();
  const [form] = Form.useForm();
  const [error, setError] = useState<unknown>();
  const [sending, setSending] = useState(false);
  const title = language === "zh" ? action.label_zh : action.label;
  const send = async () => {
    const given = await form.validateFields().catch(() => undefined);
    if (!given) return;
    setSending(true);
    setError(undefined);
    try {
      await onSend(bodyOf(action.fields, given));
      onClose();
    } catch (refused) {
      setError(refused);
    } finally {
      setSending(false);
    }
  };
  return (
    <Modal
      open={open}
      title={title}
      okText={title}
      cancelText={common("cancel")}
      onOk={() => void send()}
      onCancel={onClose}
      confirmLoading={sending}
      destroyOnHidden
      afterClose={() => setError(undefined)}
    >
      {note}
      <Form form={form} layout="vertical" initialValues={initial} preserve={false} onFinish={() => void send()}>
        {action.fields.map((field) => (
          <One key={field.name} field={field} />
        ))}
        {error !== undefined && <ProblemAlert error={error} />}
      </Form>
    </Modal>
  );
}

function One({ field }: { field: FormField }) {
  const [language] = useLanguage();
  const label = language === "zh" ? field.label_zh : field.label;
  const flag = field.type === "flag";
  return (
    <Form.Item
      name={field.name}
      label={flag ? undefined : label}
      valuePropName={flag ? "checked" : "value"}
      initialValue={flag && (field.name === "solved" || field.name === "required") ? true : undefined}
      rules={field.required ? [{ required: true, whitespace: field.type === "text" || field.type === "line" }] : []}
    >
      {flag ? <Checkbox>{label}</Checkbox> : <Control field={field} />}
    </Form.Item>
  );
}

interface Held {
  field: FormField;
  value?: unknown;
  onChange?: (value: unknown) => void;
  id?: string;
}

function Control({ field, ...held }: Held) {
  const [language] = useLanguage();
  const people = usePeople();
  const groups = useGroups();
  const who = people
    .filter((p) => p.active)
    .map((p) => ({ value: p.id, label: p.name === p.id ? p.id : `${p.name} (${p.id})` }));
  const where = groups.map((g) => ({ value: g.id, label: g.name === g.id ? g.id : `${g.name} (${g.id})` }));
  const props = held as object;
  switch (field.type) {
    case "choice":
      return (
        <Select
          {...props}
          allowClear={!field.required}
          options={field.choices?.map((c) => ({ value: c.value, label: language === "zh" ? c.label_zh : c.label }))}
        />
      );
    case "person":
      return <AutoComplete {...props} allowClear options={who} showSearch={{ filterOption: true }} />;
    case "group":
      return <AutoComplete {...props} allowClear options={where} showSearch={{ filterOption: true }} />;
    case "approvers":
      return (
        <Select
          {...props}
          mode="tags"
          options={[...who, ...where.map((g) => ({ value: `group:${g.value}`, label: g.label }))]}
        />
      );
    case "time":
      return (
        <DatePicker {...props} showTime={{ format: "HH:mm" }} format="YYYY-MM-DD HH:mm" style={{ width: "100%" }} />
      );
    case "number":
      return <InputNumber {...props} min={1} style={{ width: "100%" }} />;
    case "text":
      return field.name === "text" ? (
        <Mentions
          {...props}
          rows={4}
          options={[
            ...people.map((p) => ({ value: p.id, label: p.name })),
            ...groups.map((g) => ({ value: g.id, label: g.name })),
          ]}
        />
      ) : (
        <Input.TextArea {...props} rows={4} />
      );
    case "labels":
      return <Input.TextArea {...props} rows={3} placeholder="site=south" />;
    case "ticket":
      return <Input {...props} placeholder="TKT-2026-000001" />;
    default:
      return <Input {...props} />;
  }
}

/** What was filled in, as the API takes it; what was left empty is not sent. */
export function bodyOf(fields: FormField[], given: Body): Body {
  const body: Body = {};
  for (const field of fields) {
    const value = given[field.name];
    if (value === undefined || value === null || value === "") continue;
    if (field.type === "time" && dayjs.isDayjs(value)) body[field.name] = (value as Dayjs).toISOString();
    else if (field.type === "labels") body[field.name] = labelsOf(String(value));
    else if (field.name === "score") body[field.name] = Number(value);
    else body[field.name] = typeof value === "string" ? value.trim() : value;
  }
  return body;
}

function labelsOf(text: string): Record<string, string> {
  const lines = text.split("\n").filter((line) => line.includes("="));
  return Object.fromEntries(
    lines.map((line) => {
      const at = line.indexOf("=");
      return [line.slice(0, at).trim(), line.slice(at + 1).trim()];
    }),
  );
}
