import { useQuery } from "@tanstack/react-query";
import { Flex, Input, Switch, Table, Tag, Typography } from "antd";
import { useSearchParams } from "react-router";
import { answer, api, type Page } from "../../api/client";
import { ProblemAlert, Scrolling } from "../../parts";
import { useTexts } from "./texts";

interface Setting {
  name: string;
  environment: string;
  value: string | null;
  default: string | null;
  origin: "default" | "file" | "environment" | "flag";
  secret: boolean;
  description: string;
}
const ORIGINS = {
  default: "originDefault",
  file: "originFile",
  environment: "originEnvironment",
  flag: "originFlag",
} as const;

/** What is in force and where it comes from; read only, as it is read before the hub starts. */
export function SettingsPage() {
  const t = useTexts();
  const [asked, setAsked] = useSearchParams();
  const words = asked.get("q") ?? "";
  const changed = asked.has("changed");
  const { data, error, isLoading } = useQuery({
    queryKey: ["settings"],
    queryFn: ({ signal }) => answer<Page<Setting>>(api.GET("/v1/settings", { signal })),
  });
  const ask = (q: string, only: boolean) =>
    setAsked({ ...(q && { q }), ...(only && { changed: "" }) }, { replace: true });
  const shown = (data?.items ?? []).filter(
    (each) =>
      (!changed || each.origin !== "default") &&
      `${each.name} ${each.description}`.toLowerCase().includes(words.toLowerCase()),
  );
  return (
    <div className="admin-part">
      <Typography.Paragraph className="admin-intro" type="secondary">
        {t("settingsIntro")}
      </Typography.Paragraph>
      <Flex gap={16} align="center" wrap>
        <Input.Search
          allowClear
          aria-label={t("filter")}
          placeholder={t("filter")}
          defaultValue={words}
          onChange={(event) => ask(event.target.value, changed)}
          style={{ maxWidth: 280 }}
        />
        <Flex gap={8} align="center" component="label">
          <Switch size="small" checked={changed} onChange={(only) => ask(words, only)} aria-label={t("onlyChanged")} />
          {t("onlyChanged")}
        </Flex>
      </Flex>
      {error && <ProblemAlert error={error} />}
      <Scrolling label={t("settings")}>
        <Table<Setting>
          size="small"
          rowKey="name"
          loading={isLoading}
          dataSource={shown}
          pagination={false}
          columns={[
            {
              title: t("setting"),
              dataIndex: "name",
              render: (name: string, each) => (
                <>
                  <code>{name}</code>
                  <div className="setting-about">{each.description}</div>
                </>
              ),
            },
            {
              title: t("value"),
              dataIndex: "value",
              width: 260,
              render: (value: string | null) =>
                value === null ? <span className="setting-about">{t("unset")}</span> : <code>{value}</code>,
            },
            {
              title: t("origin"),
              dataIndex: "origin",
              width: 190,
              render: (origin: Setting["origin"], each) => (
                <>
                  <Tag color={origin === "default" ? undefined : "blue"}>{t(ORIGINS[origin])}</Tag>
                  {origin === "environment" && <div className="setting-about">{each.environment}</div>}
                </>
              ),
            },
          ]}
        />
      </Scrolling>
    </div>
  );
}
