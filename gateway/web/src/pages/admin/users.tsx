import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { App, Button, Dropdown, Flex, Table, Tag } from "antd";
import { useState } from "react";
import { answer, api, type Page } from "../../api/client";
import { Health, ProblemAlert, When } from "../../parts";
import { useMe } from "../../session";
import type { Once, User } from "./accounts";
import { ShownOnce } from "./once";
import { useTexts } from "./texts";
import { UserForm } from "./user-form";

/** Who may sign in, with which role, as whom. */
export function Users() {
  const t = useTexts();
  const me = useMe();
  const { modal } = App.useApp();
  const queries = useQueryClient();
  const [editing, setEditing] = useState<User | "new" | null>(null);
  const [once, setOnce] = useState<Once | null>(null);
  const { data, error, isLoading } = useQuery({
    queryKey: ["users"],
    queryFn: ({ signal }) => answer<Page<User>>(api.GET("/v1/users", { signal })),
  });
  const anew = () => queries.invalidateQueries({ queryKey: ["users"] });
  const toggle = useMutation({
    mutationFn: (user: User) =>
      answer(
        api.PATCH("/v1/users/{user}", { params: { path: { user: user.id } }, body: { disabled: !user.disabled_at } }),
      ),
    onSuccess: anew,
  });
  const reset = useMutation({
    mutationFn: (user: User) =>
      answer<User & { password: string }>(
        api.POST("/v1/users/{user}/password", { params: { path: { user: user.id } } }),
      ),
    onSuccess: (made) => {
      setOnce({ label: t("passwordOf", { login: made.login }), secret: made.password });
      return anew();
    },
  });
  const ask = (question: string, go: () => void) => void modal.confirm({ title: question, onOk: go });
  const menu = (user: User) => ({
    items: [
      { key: "edit", label: t("edit") },
      { key: "reset", label: t("reset"), disabled: user.by === "oidc" },
      {
        key: "toggle",
        label: user.disabled_at ? t("enable") : t("disable"),
        danger: !user.disabled_at,
        disabled: user.login === me.login,
      },
    ],
    onClick: ({ key }: { key: string }) => {
      if (key === "edit") setEditing(user);
      else if (key === "reset") ask(t("resetAsk", { login: user.login }), () => reset.mutate(user));
      else if (user.disabled_at) toggle.mutate(user);
      else ask(t("disableAsk", { login: user.login }), () => toggle.mutate(user));
    },
  });
  const failed = error ?? toggle.error ?? reset.error;
  return (
    <div className="admin-part">
      <Flex justify="flex-end">
        <Button type="primary" onClick={() => setEditing("new")}>
          {t("addUser")}
        </Button>
      </Flex>
      {failed && <ProblemAlert error={failed} />}
      {once && <ShownOnce once={once} close={() => setOnce(null)} />}
      <Table<User>
        size="small"
        rowKey="id"
        loading={isLoading}
        dataSource={data?.items}
        pagination={false}
        scroll={{ x: "max-content" }}
        columns={[
          {
            title: t("login"),
            dataIndex: "login",
            render: (login: string, user) => (
              <Flex gap={6} align="center">
                <b>{login}</b>
                {user.login === me.login && <Tag>{t("you")}</Tag>}
              </Flex>
            ),
          },
          { title: t("name"), dataIndex: "name" },
          { title: t("role"), dataIndex: "role", render: (role: User["role"]) => t(role) },
          {
            title: t("person"),
            dataIndex: "person",
            render: (person: string | null, user) =>
              [person, user.roles && `(${user.roles.join(", ")})`].filter(Boolean).join(" ") || "–",
          },
          {
            title: t("state"),
            render: (_, user) => (
              <Flex gap={8} wrap>
                <Health level={user.disabled_at ? "off" : "good"}>
                  {user.disabled_at ? t("disabled") : t("active")}
                </Health>
                {user.must_change_password && <Tag>{t("mustChange")}</Tag>}
                {user.by === "oidc" && <Tag>{t("viaOidc")}</Tag>}
              </Flex>
            ),
          },
          { title: t("lastSignIn"), dataIndex: "signed_in_at", render: (at: string | null) => <When at={at} /> },
          {
            title: <span className="unseen">{t("actions")}</span>,
            align: "right",
            render: (_, user) => (
              <Dropdown menu={menu(user)} trigger={["click"]}>
                <Button size="small" aria-label={`${t("actions")}: ${user.login}`}>
                  …
                </Button>
              </Dropdown>
            ),
          },
        ]}
      />
      {editing && (
        <UserForm
          user={editing === "new" ? null : editing}
          close={() => setEditing(null)}
          made={(user, password) => {
            if (password) setOnce({ label: t("passwordOf", { login: user.login }), secret: password });
            void anew();
          }}
        />
      )}
    </div>
  );
}
