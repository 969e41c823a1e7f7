/** Finding a thing by its name, its id, or what a system calls it. */
import { SearchOutlined } from "@ant-design/icons";
import { Flex, Input, Select, Table, Tag, Typography } from "antd";
import { useDeferredValue } from "react";
import { Link, useSearchParams } from "react-router";
import { EmptyWithAdvice, Loading, Panel, ProblemAlert } from "../../parts";
import { useFoundThings } from "./asking";
import { type Texts, useTexts } from "./texts";
import type { FoundThing } from "./types";
import { kindName } from "./words";

const KINDS = ["customer", "device", "article", "supplier", "product"];
const BY = { id: "byId", key: "byKey", name: "byName" } as const;

export function Finding() {
  const t = useTexts();
  const [params, setParams] = useSearchParams();
  const q = params.get("q") ?? "";
  const kinds = params.getAll("kind");
  const asked = useDeferredValue(q);
  const { data, error, isPending, refetch } = useFoundThings(asked, kinds);
  const change = (text: string, wanted: string[]) => {
    const made = new URLSearchParams();
    if (text) made.set("q", text);
    for (const kind of wanted) made.append("kind", kind);
    setParams(made, { replace: true });
  };
  return (
    <Flex vertical gap={14}>
      <Flex gap={8} wrap>
        <Input
          style={{ width: 420, maxWidth: "100%" }}
          prefix={<SearchOutlined />}
          value={q}
          onChange={(event) => change(event.target.value, kinds)}
          placeholder={t("searchThings")}
          aria-label={t("searchThings")}
          allowClear
        />
        <Select
          mode="multiple"
          style={{ minWidth: 180 }}
          value={kinds}
          onChange={(wanted: string[]) => change(q, wanted)}
          placeholder={t("allKinds")}
          aria-label={t("allKinds")}
          options={KINDS.map((value) => ({ value, label: kindName(value, t) }))}
        />
      </Flex>
      {error && <ProblemAlert error={error} retry={() => void refetch()} />}
      {q.trim() === "" && <EmptyWithAdvice title={t("findTitle")} advice={t("findAdvice")} />}
      {q.trim() !== "" && isPending && !error && <Loading />}
      {q.trim() !== "" && data && data.items.length === 0 && (
        <EmptyWithAdvice title={t("nothingFound")} advice={t("nothingFoundAdvice")} />
      )}
      {q.trim() !== "" && data && data.items.length > 0 && (
        <Panel title={t("thing")} flush>
          <Table<FoundThing>
            size="small"
            rowKey="id"
            dataSource={data.items}
            pagination={false}
            columns={columns(t)}
            scroll={{ x: 560 }}
          />
        </Panel>
      )}
    </Flex>
  );
}

const columns = (t: Texts) => [
  {
    title: t("thing"),
    render: (_: unknown, found: FoundThing) => (
      <Link to={`/identity/${found.id}`} className="thing-link">
        <b>{found.name ?? t("noName")}</b>
        <span className="id">{found.id}</span>
      </Link>
    ),
  },
  { title: t("foundBy"), render: (_: unknown, found: FoundThing) => <FoundBy found={found} /> },
  {
    title: t("systems"),
    render: (_: unknown, found: FoundThing) =>
      found.systems.map((system) => (
        <Tag key={system} variant="filled">
          {system}
        </Tag>
      )),
  },
];

function FoundBy({ found }: { found: FoundThing }) {
  const t = useTexts();
  return (
    <>
      <Typography.Text type="secondary">{t(BY[found.by])}</Typography.Text> {found.text}
      {found.system && <Typography.Text type="secondary"> ({found.system})</Typography.Text>}
    </>
  );
}
