import { Health, Loading, Page, ProblemAlert, When } from "../../parts";
import { ConnectionsPanel } from "./connections";
import { useOverview } from "./figures";
import { Flow } from "./flow";
import { KeyFigures } from "./key-figures";
import { NextDue } from "./next-due";
import "./overview.css";
import { SyncsPanel } from "./syncs";
import { useTexts } from "./texts";
import { Tickets } from "./tickets";

export default function OverviewPage() {
  const t = useTexts();
  const { data, error, refetch, live } = useOverview();
  return (
    <Page
      title={t("title")}
      aside={
        data && (
          <Health level={live ? "good" : "warning"}>
            {live ? t("live") : t("reconnecting")}
            {!live && <When at={data.at} />}
          </Health>
        )
      }
    >
      {error && !data && <ProblemAlert error={error} retry={() => void refetch()} />}
      {!data && !error && <Loading />}
      {data && (
        <div className="overview">
          <KeyFigures of={data} />
          {data.flow && <Flow flow={data.flow} />}
          <div className="overview-row">
            <Tickets tickets={data.tickets} />
            <NextDue tickets={data.tickets.next_due} />
          </div>
          {(data.connections || data.syncs) && (
            <div className="overview-row">
              {data.connections && <ConnectionsPanel connections={data.connections} />}
              {data.syncs && <SyncsPanel syncs={data.syncs} />}
            </div>
          )}
        </div>
      )}
    </Page>
  );
}
