import { Button } from "antd";
import { useState } from "react";
import { EmptyWithAdvice, Health, Panel, When } from "../../parts";
import type { Sync } from "./figures";
import { useTexts } from "./texts";

const FIRST = 8;

/** What was read from other systems, and how fresh it is; what went wrong first. */
export function SyncsPanel({ syncs }: { syncs: Sync[] }) {
  const t = useTexts();
  const [all, setAll] = useState(false);
  const sorted = [...syncs].sort(
    (a, b) => Number(!a.error) - Number(!b.error) || (a.finished_at ?? "").localeCompare(b.finished_at ?? ""),
  );
  return (
    <Panel title={t("syncs")} extra={<span className="by-the-way">{t("staleFirst")}</span>} flush>
      {sorted.length === 0 ? (
        <EmptyWithAdvice title={t("syncsEmpty")} advice={t("syncsAdvice")} />
      ) : (
        <table className="grid">
          <thead>
            <tr>
              <th scope="col">{t("stream")}</th>
              <th scope="col" className="number">
                {t("held")}
              </th>
              <th scope="col" className="number">
                {t("finished")}
              </th>
            </tr>
          </thead>
          <tbody>
            {(all ? sorted : sorted.slice(0, FIRST)).map((each) => (
              <tr key={`${each.connection}/${each.stream}`}>
                <th scope="row">
                  {each.stream}
                  <span className="by-the-way">{each.connection}</span>
                  {each.error && (
                    <div>
                      <Health level="bad">{each.error}</Health>
                    </div>
                  )}
                </th>
                <td className="number">{each.held ?? "–"}</td>
                <td className="number">
                  {each.finished_at ? <When at={each.finished_at} /> : each.started_at ? t("running") : "–"}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {sorted.length > FIRST && (
        <div className="all-of-them">
          <Button type="link" size="small" aria-expanded={all} onClick={() => setAll(!all)}>
            {all ? t("fewer") : t("allOf", { n: sorted.length })}
          </Button>
        </div>
      )}
    </Panel>
  );
}
