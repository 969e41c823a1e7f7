import { useQuery } from "@tanstack/react-query";
import { Form, Select } from "antd";
import { answer, api, type Page } from "../../api/client";
import { ROLES } from "./accounts";
import { useTexts } from "./texts";

interface Person {
  id: string;
  name: string;
  active: boolean;
  roles: string[];
}

/** Whom a user or token acts for: system role, person of the roster, business roles. */
export function HolderFields() {
  const t = useTexts();
  const { data } = useQuery({
    queryKey: ["people"],
    queryFn: ({ signal }) => answer<Page<Person>>(api.GET("/v1/people", { signal })),
  });
  const people = (data?.items ?? []).filter((each) => each.active);
  const roles = [...new Set(people.flatMap((each) => each.roles))].sort();
  return (
    <>
      <Form.Item name="role" label={t("role")} rules={[{ required: true }]}>
        <Select
          options={ROLES.map((role) => ({ value: role, label: `${t(role)} · ${t(`${role}Hint`)}` }))}
          aria-label={t("role")}
        />
      </Form.Item>
      <Form.Item name="person" label={t("person")} extra={t("personHint")}>
        <Select
          allowClear
          showSearch={{ optionFilterProp: "label" }}
          options={people.map((each) => ({ value: each.id, label: `${each.name} (${each.id})` }))}
        />
      </Form.Item>
      <Form.Item name="roles" label={t("roles")} extra={t("rolesHint")}>
        <Select mode="tags" options={roles.map((role) => ({ value: role }))} />
      </Form.Item>
    </>
  );
}
