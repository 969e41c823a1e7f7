/** Where to begin: a ticket's value, a field by its name, or a system. */
import { Button, Collapse, Flex, Input, Space, Typography } from "antd";
import { useState } from "react";
import { Link, useNavigate } from "react-router";
import { useLanguage } from "../../i18n";
import { EmptyWithAdvice, Loading, Page, Panel, ProblemAlert } from "../../parts";
import { nodeLink } from "./address";
import { useSystems } from "./asking";
import { FieldSearch } from "./search";
import { useTexts } from "./texts";
import type { System } from "./types";

export function Start() {
  const t = useTexts();
  const { data, error, refetch } = useSystems();
  return (
    <Page title={t("title")} aside={<Typography.Text type="secondary">{t("intro")}</Typography.Text>}>
      <Flex vertical gap={14}>
        <Flex gap={12} wrap>
          <FieldSearch width={380} />
          <TicketEntry />
        </Flex>
        {error && <ProblemAlert error={error} retry={() => void refetch()} />}
        {!data && !error && <Loading />}
        {data && data.items.length === 0 && <EmptyWithAdvice title={t("nothingYet")} advice={t("nothingYetAdvice")} />}
        {data && data.items.length > 0 && (
          <Panel
            title={t("systems")}
            extra={
              <Typography.Text type="secondary">
                {t("size", { fields: data.fields, edges: data.edges })}
              </Typography.Text>
            }
            flush
          >
            <SystemList systems={data.items} />
          </Panel>
        )}
      </Flex>
    </Page>
  );
}

function TicketEntry() {
  const t = useTexts();
  const navigate = useNavigate();
  const [ticket, setTicket] = useState("");
  const go = () => {
    if (ticket.trim()) void navigate(`/lineage?ticket=${encodeURIComponent(ticket.trim().toUpperCase())}`);
  };
  return (
    <Space.Compact style={{ maxWidth: "100%" }}>
      <Input
        style={{ width: 240 }}
        value={ticket}
        onChange={(event) => setTicket(event.target.value)}
        onPressEnter={go}
        placeholder={t("searchTicket")}
        aria-label={t("searchTicket")}
      />
      <Button onClick={go}>{t("openTicket")}</Button>
    </Space.Compact>
  );
}

function SystemList({ systems }: { systems: System[] }) {
  const t = useTexts();
  const [language] = useLanguage();
  return (
    <Collapse
      ghost
      defaultActiveKey={systems.length > 8 ? ["weft"] : systems.map((s) => s.id)}
      items={systems.map((system) => ({
        key: system.id,
        label: (
          <Flex gap={10} align="baseline" wrap>
            <Typography.Text strong>{language === "zh" ? system.title_zh : system.title}</Typography.Text>
            {system.connector && <Typography.Text code>{system.id}</Typography.Text>}
            <Typography.Text type="secondary">{t("datasets", { n: system.datasets.length })}</Typography.Text>
          </Flex>
        ),
        children: (
          <ul className="datasets">
            {system.datasets.map((each) => (
              <li key={each.dataset}>
                <Link to={nodeLink({ dataset: each.dataset, field: null })}>{each.dataset}</Link>
                <span>{t("size", { fields: each.fields, edges: each.edges })}</span>
              </li>
            ))}
          </ul>
        ),
      }))}
    />
  );
}
