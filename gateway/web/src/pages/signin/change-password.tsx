import { useMutation } from "@tanstack/react-query";
import { Alert, App, Button, Flex, Form, Input, Typography } from "antd";
import { useNavigate } from "react-router";
import { answer, api } from "../../api/client";
import { useMe, useSession, useTitle } from "../../session";
import { Refused } from "./refused";
import { useTexts } from "./texts";

/** One's own password; after an administrator reset it, before anything else. */
export function ChangePassword({ next }: { next: string }) {
  const t = useTexts();
  useTitle(t("changeTitle"));
  const me = useMe();
  const { refresh, signOut } = useSession();
  const { message } = App.useApp();
  const navigate = useNavigate();
  const change = useMutation({
    mutationFn: ({ current, password }: { current: string; password: string }) =>
      answer(api.PUT("/v1/me/password", { body: { current, password } })),
    onSuccess: async () => {
      await refresh();
      message.success(t("changed"));
      void navigate(next, { replace: true });
    },
  });
  const needed = { required: true, message: t("missing") };
  return (
    <>
      <Typography.Title level={1} className="signin-title">
        {t("changeTitle")}
      </Typography.Title>
      {me.must_change_password && <Alert type="info" showIcon title={t("changeNeeded")} />}
      {change.error && <Refused error={change.error} wrong={t("wrongCurrent")} />}
      <Form layout="vertical" requiredMark={false} onFinish={change.mutate} disabled={change.isPending} size="large">
        <input type="text" autoComplete="username" value={me.login} readOnly hidden />
        <Form.Item name="current" label={t("current")} rules={[needed]}>
          <Input.Password autoComplete="current-password" maxLength={1000} />
        </Form.Item>
        <Form.Item
          name="password"
          label={t("fresh")}
          rules={[needed, { min: 10, message: t("rule") }]}
          extra={t("rule")}
        >
          <Input.Password autoComplete="new-password" maxLength={1000} />
        </Form.Item>
        <Form.Item
          name="repeat"
          label={t("repeat")}
          dependencies={["password"]}
          rules={[
            needed,
            ({ getFieldValue }) => ({
              validator: (_, value: string) =>
                value === getFieldValue("password") ? Promise.resolve() : Promise.reject(new Error(t("differ"))),
            }),
          ]}
        >
          <Input.Password autoComplete="new-password" maxLength={1000} />
        </Form.Item>
        <Flex vertical gap={8}>
          <Button type="primary" htmlType="submit" block loading={change.isPending}>
            {t("change")}
          </Button>
          {me.must_change_password ? (
            <Button block onClick={() => void signOut()}>
              {t("signOut")}
            </Button>
          ) : (
            <Button block onClick={() => void navigate(next)}>
              {t("cancel")}
            </Button>
          )}
        </Flex>
      </Form>
    </>
  );
}
