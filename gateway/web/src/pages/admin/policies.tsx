import { useQuery } from "@tanstack/react-query";
import { Collapse, Typography } from "antd";
import { answer, api } from "../../api/client";
import { CodeView, Loading, ProblemAlert } from "../../parts";
import { useTexts } from "./texts";

interface Configuration {
  policies: ({ policy: string } & Record<string, unknown>)[];
}

/** How tickets move, as it is in force. */
export function Policies() {
  const t = useTexts();
  const { data, error } = useQuery({
    queryKey: ["configuration"],
    queryFn: ({ signal }) => answer<Configuration>(api.GET("/v1/configuration", { signal })),
  });
  return (
    <div className="admin-part">
      <Typography.Paragraph className="admin-intro" type="secondary">
        {t("policiesIntro")}
      </Typography.Paragraph>
      {error && <ProblemAlert error={error} />}
      {!data && !error && <Loading />}
      {data && (
        <Collapse
          size="small"
          items={data.policies.map(({ policy, ...body }) => ({
            key: policy,
            label: <code>{policy}</code>,
            children: <CodeView value={body} label={`${t("policy")} ${policy}`} maxHeight={480} />,
          }))}
        />
      )}
    </div>
  );
}
