import { useMutation } from "@tanstack/react-query";
import { Button, Drawer, Flex, Form, Input } from "antd";
import { answer, api } from "../../api/client";
import { ProblemAlert, useCommon } from "../../parts";
import type { Role, User } from "./accounts";
import { HolderFields } from "./holder-fields";
import { useTexts } from "./texts";

interface Given {
  login: string;
  name?: string;
  role: Role;
  person?: string;
  roles?: string[];
}

type Saved = User & { password?: string | null };

interface Props {
  user: User | null;
  close: () => void;
  made: (user: User, password: string | null) => void;
}

/** A new account, or what of one may be changed. */
export function UserForm({ user, close, made }: Props) {
  const t = useTexts();
  const common = useCommon();
  const save = useMutation({
    mutationFn: ({ login, name, role, person, roles }: Given) =>
      user
        ? answer<Saved>(
            api.PATCH("/v1/users/{user}", {
              params: { path: { user: user.id } },
              body: { name: name || user.name, role, person: person ?? null, roles: roles?.length ? roles : null },
            }),
          )
        : answer<Saved>(
            api.POST("/v1/users", {
              body: { login, name: name ?? "", role, person: person || null, roles: roles ?? [] },
            }),
          ),
    onSuccess: (saved) => {
      made(saved, saved.password ?? null);
      close();
    },
  });
  return (
    <Drawer
      open
      onClose={close}
      title={user ? `${t("edit")}: ${user.login}` : t("addUser")}
      size={Math.min(440, window.innerWidth)}
    >
      <Form
        layout="vertical"
        initialValues={
          user ? { ...user, roles: user.roles ?? [], person: user.person ?? undefined } : { role: "agent" }
        }
        onFinish={save.mutate}
        disabled={save.isPending}
      >
        {save.error && <ProblemAlert error={save.error} />}
        {!user && (
          <Form.Item name="login" label={t("login")} rules={[{ required: true }]}>
            <Input maxLength={100} autoComplete="off" autoCapitalize="none" spellCheck={false} />
          </Form.Item>
        )}
        <Form.Item name="name" label={t("name")}>
          <Input maxLength={100} autoComplete="off" />
        </Form.Item>
        <HolderFields />
        <Flex gap={8} justify="flex-end">
          <Button onClick={close}>{common("cancel")}</Button>
          <Button type="primary" htmlType="submit" loading={save.isPending}>
            {common("save")}
          </Button>
        </Flex>
      </Form>
    </Drawer>
  );
}
