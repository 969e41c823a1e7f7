/** One value of a ticket: told as a story, drawn, or as a table; and what depends on it. */
import {
  CheckCircleFilled,
  DeleteOutlined,
  ExclamationCircleFilled,
  QuestionCircleOutlined,
  WarningFilled,
} from "@ant-design/icons";
import { Flex, Segmented, Select, Typography } from "antd";
import { useMemo, useRef, useState } from "react";
import { Link } from "react-router";
import { answer, api } from "../../api/client";
import { useLanguage } from "../../i18n";
import { EmptyWithAdvice, Loading, Page, Panel, ProblemAlert, TicketLink, When } from "../../parts";
import { type Look, nodeLink, useAddress } from "./address";
import { useImpact, useOrigin, useTicketFields } from "./asking";
import { Downstream } from "./downstream";
import { ExportMenu } from "./exporting";
import { type Exporter, Graph, Legend } from "./graph";
import { modelOfValue } from "./graph/from-origin";
import { Story, Summary } from "./story";
import { EdgeTable } from "./table";
import { useTexts } from "./texts";
import type { Origin } from "./types";
import { moment, shown } from "./words";

export function ValuePage({ ticket }: { ticket: string }) {
  const t = useTexts();
  const [address, change] = useAddress();
  const fields = useTicketFields(ticket);
  const field = address.field ?? fields.data?.items[0]?.field;
  const options = fields.data?.items.map((item) => ({
    value: item.field,
    label: (
      <span className="found-field">
        <b>{item.field}</b> <span>{shown(item.value, t, 60)}</span>
      </span>
    ),
  }));
  return (
    <Page title={t("title")} aside={<TicketLink id={ticket} />} wide>
      <Flex vertical gap={14}>
        {fields.error && <ProblemAlert error={fields.error} retry={() => void fields.refetch()} />}
        {fields.data?.items.length === 0 && !address.field && (
          <EmptyWithAdvice title={t("noFields")} advice={t("noFieldsAdvice")} />
        )}
        <Select
          style={{ width: 420, maxWidth: "100%" }}
          showSearch={{ filterOption: (text, option) => String(option?.value).includes(text.toLowerCase()) }}
          value={field}
          options={options ?? []}
          loading={fields.isPending}
          onChange={(chosen: string) => change({ field: chosen }, false)}
          aria-label={t("chooseField")}
          placeholder={t("chooseField")}
        />
        {field && <Value key={`${ticket} ${field}`} ticket={ticket} field={field} />}
      </Flex>
    </Page>
  );
}

function Value({ ticket, field }: { ticket: string; field: string }) {
  const t = useTexts();
  const [address, change] = useAddress();
  const origin = useOrigin(ticket, field);
  const impact = useImpact(ticket, field);
  const [language] = useLanguage();
  const [chosen, setChosen] = useState<string | null>(null);
  const exporter = useRef<Exporter>(null);
  const model = useMemo(
    () => (origin.data ? modelOfValue(ticket, origin.data, impact.data, t, language) : undefined),
    [ticket, origin.data, impact.data, t, language],
  );
  if (origin.error) return <ProblemAlert error={origin.error} retry={() => void origin.refetch()} />;
  if (!origin.data || !model) return <Loading />;
  const look: Look = address.look ?? "story";
  return (
    <>
      <Head origin={origin.data} />
      <Flex justify="space-between" gap={8} wrap>
        <Segmented<Look>
          aria-label={t("view")}
          value={look}
          onChange={(wanted) => change({ look: wanted })}
          options={(["story", "graph", "table"] as const).map((value) => ({ value, label: t(value) }))}
        />
        <ExportMenu
          name={`${ticket} ${field}`}
          drawing={look === "graph" ? exporter : null}
          events={() =>
            answer(
              api.GET("/v1/tickets/{ticket}/lineage/openlineage", { params: { path: { ticket }, query: { field } } }),
            )
          }
        />
      </Flex>
      {look === "story" && <Story origin={origin.data} ticket={ticket} />}
      {look === "graph" && (
        <Panel
          title={t("graph")}
          extra={<Link to={nodeLink({ dataset: "Ticket", field })}>{t("schemaOf")}</Link>}
          flush
        >
          <Graph
            model={model}
            chosen={chosen}
            choose={(row) => setChosen(row.id)}
            height="min(64vh, 620px)"
            exporter={exporter}
          />
          <Legend model={model} />
        </Panel>
      )}
      {look === "table" && <EdgeTable model={model} />}
      <Downstream impact={impact.data} error={impact.error} />
    </>
  );
}

const VERDICTS = {
  equal: { key: "equal", tone: "good", icon: <CheckCircleFilled /> },
  "changed outside the hub": { key: "changed", tone: "bad", icon: <WarningFilled /> },
  "not compared": { key: "not_compared", tone: "off", icon: <QuestionCircleOutlined /> },
  erased: { key: "erased", tone: "warning", icon: <DeleteOutlined /> },
  broken: { key: "broken", tone: "bad", icon: <ExclamationCircleFilled /> },
} as const;

function Head({ origin }: { origin: Origin }) {
  const t = useTexts();
  const verdict = VERDICTS[origin.verdict];
  const values = {
    value: shown(origin.value, t, 80),
    stored: shown(origin.stored, t, 80),
    problem: origin.problem,
  };
  return (
    <section className="panel value-head" aria-label={t("value")}>
      <div className="value-main">
        <Typography.Text type="secondary">{origin.field}</Typography.Text>
        <div className="value-text">{shown(origin.stored ?? origin.value, t, 400)}</div>
        <Summary origin={origin} />
      </div>
      <div className={`verdict verdict-${verdict.tone}`}>
        <strong>
          {verdict.icon} {t(verdict.key)}
        </strong>
        <p>{t(`${verdict.key}Long`, values)}</p>
        <p className="value-by">
          {t("writtenBy")} <code>{origin.actor}</code> · <When at={moment(origin.at)} exact />
        </p>
      </div>
    </section>
  );
}
