import { ReloadOutlined } from "@ant-design/icons";
import { useQuery } from "@tanstack/react-query";
import { Button, Spin } from "antd";
import { answer, api } from "../../api/client";
import { EmptyWithAdvice, Health, Panel, ProblemAlert, When } from "../../parts";
import type { Section } from "../../tickets/types";
import { FieldValue } from "./field-value";
import { useTexts } from "./texts";

interface Compared {
  then: { sections: Section[] };
  now: { sections: Section[] };
  differences: { name: string; changes: { field: string; before: unknown; after: unknown }[] }[];
}

/** The snapshot of the opening against the same questions asked now. */
export function ThenNow({ ticket }: { ticket: string }) {
  const t = useTexts();
  const { data, error, isFetching, refetch } = useQuery({
    queryKey: ["ticket", ticket, "then-now"],
    queryFn: ({ signal }) =>
      answer<Compared>(api.GET("/v1/tickets/{ticket}/context/now", { params: { path: { ticket } }, signal })),
    staleTime: Number.POSITIVE_INFINITY,
    refetchOnWindowFocus: false,
  });
  return (
    <>
      <div className="tab-head">
        <Button icon={<ReloadOutlined />} loading={isFetching} onClick={() => void refetch()}>
          {t("askAgain")}
        </Button>
        {isFetching && <span className="quiet">{t("asking")}</span>}
      </div>
      {error && <ProblemAlert error={error} retry={() => void refetch()} />}
      {!data && isFetching && <Spin className="waiting" />}
      {data?.now.sections.length === 0 && <EmptyWithAdvice title={t("noContext")} advice={t("noContextAdvice")} />}
      {data && <Differences told={data} ticket={ticket} />}
    </>
  );
}

function Differences({ told, ticket }: { told: Compared; ticket: string }) {
  const t = useTexts();
  const rows = told.now.sections.map((now, n) => ({
    now,
    opened: told.then.sections[n],
    changes: told.differences.find((each) => each.name === now.name)?.changes ?? [],
  }));
  const same = rows.filter((row) => row.changes.length === 0);
  return (
    <div className="why">
      {rows
        .filter((row) => row.changes.length > 0)
        .map(({ now, opened, changes }) => (
          <Panel
            key={now.name}
            title={now.name}
            extra={<Health level="warning">{t("changed", { n: changes.length })}</Health>}
          >
            <table className="compare">
              <thead>
                <tr>
                  <th scope="col">{t("field")}</th>
                  <th scope="col">
                    {t("before")} · <When at={opened?.as_of} />
                  </th>
                  <th scope="col">
                    {t("now")} · <When at={now.as_of} />
                  </th>
                </tr>
              </thead>
              <tbody>
                {changes.map((change) => (
                  <tr key={change.field}>
                    <th scope="row">{change.field}</th>
                    <td>
                      <FieldValue ticket={ticket} field={`context.${now.name}.${change.field.split(/[.[]/)[0]}`}>
                        {String(change.before ?? "–")}
                      </FieldValue>
                    </td>
                    <td>
                      <strong>{String(change.after ?? "–")}</strong>
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </Panel>
        ))}
      {same.length > 0 && (
        <Panel title={t("unchanged")}>
          <ul className="plain">
            {same.map(({ now }) => (
              <li key={now.name} className="brief">
                <Health level={now.status === "ok" ? "good" : now.status === "failed" ? "bad" : "off"}>
                  {now.name}
                </Health>
                <span className="quiet">
                  {now.status === "ok"
                    ? t("noChange")
                    : now.reason || t(now.status === "failed" ? "noAnswer" : "knowsNothing")}
                </span>
              </li>
            ))}
          </ul>
        </Panel>
      )}
    </div>
  );
}
