/** A field of the schema with its neighbours: drawn or as a table, opened step by step. */
import { Alert, Button, Descriptions, Flex, Segmented, Select, Typography } from "antd";
import { useMemo, useRef, useState } from "react";
import { Link } from "react-router";
import { answer, api } from "../../api/client";
import { useLanguage } from "../../i18n";
import { Loading, Page, Panel, ProblemAlert } from "../../parts";
import { type Look, MORE, nodeLink, useAddress, withOpening } from "./address";
import { useSystems, useView, viewQuery } from "./asking";
import { KindName } from "./downstream";
import { ExportMenu } from "./exporting";
import { type Exporter, Graph, Legend } from "./graph";
import { modelOfView } from "./graph/from-view";
import { type Model, type Row, rowId } from "./graph/model";
import { FieldSearch } from "./search";
import { EdgeTable } from "./table";
import { useTexts } from "./texts";
import type { NodeRef, Side } from "./types";

export function SchemaPage({ node }: { node: NodeRef }) {
  const t = useTexts();
  const [language] = useLanguage();
  const [address, change] = useAddress();
  const systems = useSystems();
  const { data, error, refetch } = useView(node, address);
  const exporter = useRef<Exporter>(null);
  const start = rowId(node.dataset, node.field);
  const [chosen, setChosen] = useState<{ start: string; id: string } | null>(null);
  const selected = chosen?.start === start ? chosen.id : start;
  const model = useMemo(
    () => (data ? modelOfView(data, systems.data?.items ?? [], t, language) : undefined),
    [data, systems.data, t, language],
  );
  const look: Look = address.look === "table" ? "table" : "graph";
  const choose = (row: Row) => setChosen({ start, id: row.id });
  const open = (row: Row, side: Side) => {
    if (!row.node) return;
    setChosen({ start, id: row.id });
    const count = side === "upstream" ? row.up : row.down;
    const limit = (count?.shown ?? 0) + MORE;
    change({ opened: withOpening(address.opened, { node: row.node, side, limit }) });
  };
  const row = model?.boxes.flatMap((box) => box.rows).find((each) => each.id === selected);
  const changed =
    address.opened.length > 0 || address.systems.length > 0 || address.types.length > 0 || address.depth > 1;
  return (
    <Page
      title={t("title")}
      aside={
        <Typography.Text>
          {node.dataset} · <b>{node.field ?? t("whole")}</b>
        </Typography.Text>
      }
      actions={
        <ExportMenu
          name={`${node.dataset} ${node.field ?? ""}`}
          drawing={look === "graph" ? exporter : null}
          events={() =>
            answer(api.GET("/v1/lineage/view/openlineage", { params: { query: viewQuery(node, address) } }))
          }
        />
      }
      wide
    >
      <Flex vertical gap={12}>
        <Flex gap={8} wrap align="center">
          <FieldSearch />
          <Link to="/lineage">{t("startOver")}</Link>
          <span style={{ flex: 1 }} />
          <Select
            mode="multiple"
            maxTagCount="responsive"
            style={{ minWidth: 180 }}
            placeholder={t("filterSystems")}
            aria-label={t("filterSystems")}
            value={address.systems}
            onChange={(chosenSystems: string[]) => change({ systems: chosenSystems })}
            options={(systems.data?.items ?? []).map((s) => ({
              value: s.id,
              label: language === "zh" ? s.title_zh : s.title,
            }))}
          />
          <Select
            mode="multiple"
            style={{ minWidth: 150 }}
            placeholder={t("filterKinds")}
            aria-label={t("filterKinds")}
            value={address.types}
            onChange={(types: string[]) => change({ types })}
            options={(["DIRECT", "INDIRECT"] as const).map((value) => ({ value, label: t(value) }))}
          />
          <Select
            aria-label={t("depth")}
            value={address.depth}
            onChange={(depth: number) => change({ depth })}
            options={[1, 2, 3, 4].map((value) => ({ value, label: `${t("depth")} ${value}` }))}
          />
          <Segmented<Look>
            aria-label={t("view")}
            value={look}
            onChange={(wanted) => change({ look: wanted })}
            options={(["graph", "table"] as const).map((value) => ({ value, label: t(value) }))}
          />
          {changed && (
            <Button type="link" onClick={() => change({ opened: [], systems: [], types: [], depth: 1 })}>
              {t("reset")}
            </Button>
          )}
        </Flex>
        {error && <ProblemAlert error={error} retry={() => void refetch()} />}
        {data?.truncated && <Alert type="warning" showIcon title={t("truncated")} />}
        {data && data.withheld > 0 && <Alert type="info" showIcon title={t("withheld", { n: data.withheld })} />}
        {!model && !error && <Loading />}
        {model && (
          <div className="schema">
            {look === "graph" ? (
              <section className="panel schema-graph">
                <Graph
                  model={model}
                  chosen={selected}
                  choose={choose}
                  open={open}
                  height="min(70vh, 720px)"
                  exporter={exporter}
                />
                <Legend model={model} />
              </section>
            ) : (
              <EdgeTable model={model} choose={choose} />
            )}
            <Selected row={row} model={model} open={open} isStart={selected === start} />
          </div>
        )}
      </Flex>
    </Page>
  );
}

interface SelectedProps {
  row: Row | undefined;
  model: Model;
  open: (row: Row, side: Side) => void;
  isStart: boolean;
}

/** The chosen field: how much of its neighbours is shown, by what it is made, and what one can do with it. */
function Selected({ row, model, open, isStart }: SelectedProps) {
  const t = useTexts();
  if (!row?.node) {
    return (
      <Panel title={t("selected")}>
        <Typography.Text type="secondary">{t("selectAdvice")}</Typography.Text>
      </Panel>
    );
  }
  const labels = new Map(
    model.boxes.flatMap((box) => box.rows.map((each) => [each.id, `${box.title} · ${each.label}`])),
  );
  const sides = [
    { side: "upstream" as const, title: t("upstreamSide"), count: row.up, more: "showMoreUp" as const },
    { side: "downstream" as const, title: t("downstreamSide"), count: row.down, more: "showMoreDown" as const },
  ];
  return (
    <Panel title={t("selected")}>
      <Typography.Paragraph style={{ overflowWrap: "anywhere" }}>
        <b>{row.label}</b>
        <br />
        <Typography.Text type="secondary">{row.node.dataset}</Typography.Text>
      </Typography.Paragraph>
      {sides.map(({ side, title, count, more }) => {
        const left = (count?.total ?? 0) - (count?.shown ?? 0);
        const edges = model.edges.filter((e) => (side === "upstream" ? e.to === row.id : e.from === row.id));
        return (
          <div key={side} className="side-block">
            <Descriptions
              size="small"
              column={1}
              items={[
                {
                  key: side,
                  label: title,
                  children: t("shownOf", { shown: count?.shown ?? 0, total: count?.total ?? 0 }),
                },
              ]}
            />
            <ul className="side-edges">
              {edges.slice(0, 12).map((e) => (
                <li key={e.id}>
                  {labels.get(side === "upstream" ? e.from : e.to)}
                  <span>
                    <KindName subtype={e.kind} />
                    {e.via && ` · ${e.via}`}
                  </span>
                </li>
              ))}
            </ul>
            {left > 0 && (
              <Button size="small" onClick={() => open(row, side)}>
                {t(more, { n: Math.min(left, MORE) })}
              </Button>
            )}
          </div>
        );
      })}
      {!isStart && <Link to={nodeLink(row.node)}>{t("startHere")}</Link>}
    </Panel>
  );
}
