/** The same as the graph, for who reads rows rather than lines. */
import { Button, Table } from "antd";
import { EmptyWithAdvice, Panel } from "../../parts";
import { KindName } from "./downstream";
import type { Edge, Model, Row } from "./graph/model";
import { useTexts } from "./texts";

interface Props {
  model: Model;
  choose?: (row: Row) => void;
}

export function EdgeTable({ model, choose }: Props) {
  const t = useTexts();
  const rows = new Map(model.boxes.flatMap((box) => box.rows.map((row) => [row.id, { box, row }] as const)));
  const named = (id: string) => {
    const found = rows.get(id);
    if (!found) return id;
    const text = `${found.box.title} · ${found.row.label}`;
    return (
      <>
        {choose ? (
          <Button type="link" size="small" className="cell-link" onClick={() => choose(found.row)}>
            {text}
          </Button>
        ) : (
          text
        )}
        {found.row.value !== undefined && <div className="cell-value">{found.row.value}</div>}
      </>
    );
  };
  if (model.edges.length === 0) return <EmptyWithAdvice title={t("noEdges")} advice={t("noEdgesAdvice")} />;
  return (
    <Panel title={t("tableLabel", { n: model.edges.length })} flush>
      <Table<Edge>
        size="small"
        rowKey="id"
        dataSource={model.edges}
        pagination={model.edges.length > 50 ? { pageSize: 50, showSizeChanger: false } : false}
        columns={[
          { title: t("from"), render: (_, edge) => named(edge.from) },
          { title: t("to"), render: (_, edge) => named(edge.to) },
          { title: t("kind"), render: (_, edge) => <KindName subtype={edge.kind} />, width: 110 },
          { title: t("via"), dataIndex: "via", responsive: ["md"] },
        ]}
      />
    </Panel>
  );
}
