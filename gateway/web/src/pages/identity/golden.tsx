/** The golden record: of each field the value that stands and why, and what the others say. */

import { useQuery } from "@tanstack/react-query";
import { Button, Drawer, Table, Tooltip, Typography } from "antd";
import { useState } from "react";
import { answer, api } from "../../api/client";
import { EmptyWithAdvice, Loading, Panel, ProblemAlert, When } from "../../parts";
import { Chain } from "../lineage/story";
import "../lineage/lineage.css";
import type { Origin } from "../lineage/types";
import { useGolden } from "./asking";
import { useTexts } from "./texts";
import type { Candidate, GoldenField } from "./types";
import { ruleName, told } from "./words";

export function GoldenPanel({ id }: { id: string }) {
  const t = useTexts();
  const { data, error, refetch } = useGolden(id);
  const [asked, setAsked] = useState<Candidate | null>(null);
  const origin = (said: Candidate) =>
    said.traceable && (
      <Button
        type="link"
        size="small"
        className="cell-link"
        aria-label={t("showOrigin", { field: said.field, system: said.system })}
        onClick={() => setAsked(said)}
      >
        {t("origin")}
      </Button>
    );
  return (
    <Panel title={t("golden")} extra={<Typography.Text type="secondary">{t("goldenAdvice")}</Typography.Text>} flush>
      {error && <ProblemAlert error={error} retry={() => void refetch()} />}
      {!data && !error && <Loading />}
      {data?.fields.length === 0 && <EmptyWithAdvice title={t("noGolden")} advice={t("noGoldenAdvice")} />}
      {data && data.fields.length > 0 && (
        <Table<GoldenField>
          size="small"
          rowKey="field"
          dataSource={data.fields}
          pagination={false}
          scroll={{ x: 720 }}
          columns={[
            { title: t("field"), dataIndex: "field", width: 150 },
            {
              title: t("value"),
              render: (_, field) => <b className="wrap">{told(field.value)}</b>,
            },
            {
              title: t("system"),
              width: 150,
              render: (_, field) => (
                <>
                  <Said said={field} /> {origin(field)}
                </>
              ),
            },
            { title: t("why"), width: 150, render: (_, field) => ruleName(field.rule, t) },
            {
              title: t("others"),
              render: (_, field) =>
                field.others.map((other) => (
                  <div key={`${other.system} ${other.birth_id}`} className={same(other, field) ? "" : "losing"}>
                    <span className="wrap">{told(other.value)}</span> <Said said={other} /> {origin(other)}
                  </div>
                )),
            },
          ]}
        />
      )}
      <Drawer
        open={asked !== null}
        onClose={() => setAsked(null)}
        size={560}
        title={asked && t("showOrigin", { field: asked.field, system: asked.system })}
      >
        {asked && <AttributeOrigin said={asked} />}
      </Drawer>
    </Panel>
  );
}

const same = (a: Candidate, b: Candidate): boolean => JSON.stringify(a.value) === JSON.stringify(b.value);

function Said({ said }: { said: Candidate }) {
  const t = useTexts();
  return (
    <Tooltip
      title={
        <>
          {said.birth_id} · {t("readAt")} <When at={said.read_at} exact />
        </>
      }
    >
      <Typography.Text type="secondary">{said.system}</Typography.Text>
    </Tooltip>
  );
}

function AttributeOrigin({ said }: { said: Candidate }) {
  const { data, error } = useQuery({
    queryKey: ["ids", "lineage", said.birth_id, said.system, said.field],
    queryFn: ({ signal }) =>
      answer<Origin>(
        api.GET("/v1/ids/{global_id}/lineage", {
          params: { path: { global_id: said.birth_id }, query: { system: said.system, field: said.field } },
          signal,
        }),
      ),
  });
  if (error) return <ProblemAlert error={error} />;
  if (!data) return <Loading />;
  return <Chain origin={data} end={`${said.birth_id} · ${said.field}`} />;
}
