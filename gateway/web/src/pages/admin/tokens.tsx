import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { App, Button, Drawer, Flex, Form, Input, InputNumber, Switch, Table } from "antd";
import { useState } from "react";
import { answer, api, type Page } from "../../api/client";
import { EmptyWithAdvice, Health, ProblemAlert, useCommon, useNow, When } from "../../parts";
import type { Once, Role, Token } from "./accounts";
import { HolderFields } from "./holder-fields";
import { ShownOnce } from "./once";
import { useTexts } from "./texts";

/** What systems and scripts reach the API with; each is shown once, when it is made. */
export function Tokens() {
  const t = useTexts();
  const now = useNow();
  const { modal } = App.useApp();
  const queries = useQueryClient();
  const [making, setMaking] = useState(false);
  const [ended, setEnded] = useState(false);
  const [once, setOnce] = useState<Once | null>(null);
  const { data, error, isLoading } = useQuery({
    queryKey: ["tokens"],
    queryFn: ({ signal }) => answer<Page<Token>>(api.GET("/v1/tokens", { signal })),
  });
  const anew = () => queries.invalidateQueries({ queryKey: ["tokens"] });
  const revoke = useMutation({
    mutationFn: (token: Token) =>
      answer(api.DELETE("/v1/tokens/{token_id}", { params: { path: { token_id: token.id } } })),
    onSuccess: anew,
  });
  const over = (token: Token) =>
    token.revoked_at !== null || (token.expires_at !== null && Date.parse(token.expires_at) <= now);
  const shown = (data?.items ?? []).filter((token) => ended || !over(token));
  const failed = error ?? revoke.error;
  return (
    <div className="admin-part">
      <Flex justify="flex-end" align="center" gap={16} wrap>
        <Flex gap={8} align="center" component="label">
          <Switch size="small" checked={ended} onChange={setEnded} aria-label={t("showEnded")} />
          {t("showEnded")}
        </Flex>
        <Button type="primary" onClick={() => setMaking(true)}>
          {t("addToken")}
        </Button>
      </Flex>
      {failed && <ProblemAlert error={failed} />}
      {once && <ShownOnce once={once} close={() => setOnce(null)} />}
      <Table<Token>
        size="small"
        rowKey="id"
        loading={isLoading}
        dataSource={shown}
        pagination={shown.length > 50 ? { pageSize: 50 } : false}
        scroll={{ x: "max-content" }}
        locale={{ emptyText: <EmptyWithAdvice title={t("tokensEmpty")} advice={t("tokensAdvice")} /> }}
        columns={[
          { title: t("tokenName"), dataIndex: "name", render: (name: string) => <b>{name}</b> },
          { title: t("role"), dataIndex: "role", render: (role: Role) => t(role) },
          {
            title: t("holder"),
            render: (_, token) =>
              [token.person, token.customer, token.roles && `(${token.roles.join(", ")})`].filter(Boolean).join(" ") ||
              "–",
          },
          { title: t("created"), dataIndex: "created_at", render: (at: string) => <When at={at} /> },
          {
            title: t("expires"),
            render: (_, token) => <When at={token.expires_at} ahead never={t("neverExpires")} />,
          },
          {
            title: t("state"),
            render: (_, token) => (
              <Health level={over(token) ? "off" : "good"}>
                {token.revoked_at ? t("revoked") : over(token) ? t("expired") : t("active")}
              </Health>
            ),
          },
          {
            title: <span className="unseen">{t("actions")}</span>,
            align: "right",
            render: (_, token) =>
              !over(token) && (
                <Button
                  size="small"
                  danger
                  aria-label={`${t("revoke")}: ${token.name}`}
                  onClick={() =>
                    void modal.confirm({
                      title: t("revokeAsk", { name: token.name }),
                      okText: t("revoke"),
                      okButtonProps: { danger: true },
                      onOk: () => revoke.mutate(token),
                    })
                  }
                >
                  {t("revoke")}
                </Button>
              ),
          },
        ]}
      />
      {making && (
        <TokenForm
          close={() => setMaking(false)}
          made={(name, token) => {
            setOnce({ label: `${t("tokenNew")} ${name}`, secret: token });
            void anew();
          }}
        />
      )}
    </div>
  );
}

interface Given {
  name: string;
  role: Role;
  person?: string;
  roles?: string[];
  customer?: string;
  days?: number | null;
}

function TokenForm({ close, made }: { close: () => void; made: (name: string, token: string) => void }) {
  const t = useTexts();
  const common = useCommon();
  const make = useMutation({
    mutationFn: ({ name, role, person, roles, customer, days }: Given) =>
      answer<{ token: string }>(
        api.POST("/v1/tokens", {
          body: {
            name,
            role,
            person: person || null,
            roles: roles ?? [],
            customer: customer || null,
            expires_in_s: days ? days * 86_400 : null,
          },
        }),
      ),
    onSuccess: ({ token }, { name }) => {
      made(name, token);
      close();
    },
  });
  return (
    <Drawer open onClose={close} title={t("addToken")} size={Math.min(440, window.innerWidth)}>
      <Form layout="vertical" initialValues={{ role: "viewer" }} onFinish={make.mutate} disabled={make.isPending}>
        {make.error && <ProblemAlert error={make.error} />}
        <Form.Item name="name" label={t("tokenName")} rules={[{ required: true }]}>
          <Input maxLength={100} autoComplete="off" />
        </Form.Item>
        <HolderFields />
        <Form.Item name="customer" label={t("customer")} extra={t("customerHint")}>
          <Input maxLength={40} autoComplete="off" />
        </Form.Item>
        <Form.Item name="days" label={t("days")} extra={t("daysHint")}>
          <InputNumber min={1} max={3660} style={{ width: "100%" }} />
        </Form.Item>
        <Flex gap={8} justify="flex-end">
          <Button onClick={close}>{common("cancel")}</Button>
          <Button type="primary" htmlType="submit" loading={make.isPending}>
            {common("save")}
          </Button>
        </Flex>
      </Form>
    </Drawer>
  );
}
