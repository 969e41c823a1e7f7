import { useMutation } from "@tanstack/react-query";
import { Alert, Button, Divider, Form, Input, Segmented, Typography } from "antd";
import { Navigate, useSearchParams } from "react-router";
import { answer, api } from "../../api/client";
import { useLanguage } from "../../i18n";
import { useSession, useTitle } from "../../session";
import { ChangePassword } from "./change-password";
import { Refused } from "./refused";
import "./signin.css";
import { useTexts } from "./texts";

/** A path of this hub's own, whatever the address says: an outsider's link must not lead away. */
function safePath(next: string | null): string {
  if (!next?.startsWith("/")) return "/";
  const target = new URL(next, window.location.origin);
  return target.origin === window.location.origin ? `${target.pathname}${target.search}${target.hash}` : "/";
}

export default function SignInPage() {
  const { me } = useSession();
  const [parameters] = useSearchParams();
  const refused = parameters.get("refused");
  const next = safePath(parameters.get("next"));
  const changing = parameters.has("change");
  if (me && !me.must_change_password && !changing) return <Navigate to={next} replace />;
  return (
    <main className="signin">
      <div className="signin-box">
        <img src="/weft.svg" alt="" width={40} height={40} />
        {me ? <ChangePassword next={next} /> : <SignInForm next={next} refused={refused} />}
      </div>
      <LanguageSwitch />
    </main>
  );
}

function LanguageSwitch() {
  const [language, setLanguage] = useLanguage();
  return (
    <Segmented
      size="small"
      aria-label="语言 Language"
      value={language}
      onChange={setLanguage}
      options={[
        { value: "zh", label: "简体中文" },
        { value: "en", label: "English" },
      ]}
    />
  );
}

const REASONS = ["cancelled", "state", "provider", "role", "disabled", "taken"] as const;

function SignInForm({ next, refused }: { next: string; refused: string | null }) {
  const t = useTexts();
  useTitle(t("title"));
  const { methods, refresh } = useSession();
  const reason = REASONS.find((each) => each === refused);
  const signIn = useMutation({
    mutationFn: (given: { login: string; password: string }) => answer(api.POST("/v1/session", { body: given })),
    onSuccess: refresh,
  });
  return (
    <>
      <Typography.Title level={1} className="signin-title">
        {t("welcome")}
      </Typography.Title>
      {reason && !signIn.error && <Alert type="error" showIcon title={t(reason)} />}
      {signIn.error && <Refused error={signIn.error} wrong={t("wrong")} />}
      {methods.password && (
        <Form layout="vertical" requiredMark={false} onFinish={signIn.mutate} disabled={signIn.isPending} size="large">
          <Form.Item name="login" label={t("login")} rules={[{ required: true, message: t("missing") }]}>
            <Input autoComplete="username" autoFocus autoCapitalize="none" spellCheck={false} maxLength={100} />
          </Form.Item>
          <Form.Item name="password" label={t("password")} rules={[{ required: true, message: t("missing") }]}>
            <Input.Password autoComplete="current-password" maxLength={1000} />
          </Form.Item>
          <Button type="primary" htmlType="submit" block loading={signIn.isPending}>
            {t("submit")}
          </Button>
        </Form>
      )}
      {methods.oidc && (
        <>
          {methods.password && <Divider plain>{t("or")}</Divider>}
          <Button block size="large" href={`${methods.oidc.url}?next=${encodeURIComponent(next)}`}>
            {t("with", { name: methods.oidc.name })}
          </Button>
        </>
      )}
      {methods.password && <Typography.Text type="secondary">{t("firstAdmin")}</Typography.Text>}
    </>
  );
}
