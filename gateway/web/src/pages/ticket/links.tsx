import { CopyOutlined } from "@ant-design/icons";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Alert, App, Button } from "antd";
import dayjs from "dayjs";
import { answer, api } from "../../api/client";
import { Health, Panel, ProblemAlert, useCommon, When } from "../../parts";
import { useSession } from "../../session";
import { useTexts } from "./texts";

interface Given {
  number: number;
  made_by: string;
  expires_at: string;
  seen_at: string | null;
  works: boolean;
}

/** The links that customers have, and a new one. */
export function Links({ ticket }: { ticket: string }) {
  const t = useTexts();
  const common = useCommon();
  const { may } = useSession();
  const { message } = App.useApp();
  const queries = useQueryClient();
  const key = ["ticket", ticket, "links"];
  const params = { path: { ticket } };
  const links = useQuery({
    queryKey: key,
    queryFn: () => answer<{ items: Given[] }>(api.GET("/v1/tickets/{ticket}/progress-links", { params })),
  });
  const after = { onSuccess: () => queries.invalidateQueries({ queryKey: key }) };
  const make = useMutation({
    mutationFn: () =>
      answer<{ token: string; expires_at: string }>(api.POST("/v1/tickets/{ticket}/progress-links", { params })),
    ...after,
  });
  const revoke = useMutation({
    mutationFn: (number: number) =>
      answer(api.DELETE("/v1/tickets/{ticket}/progress-links/{number}", { params: { path: { ticket, number } } })),
    ...after,
  });
  const link = make.data && `${window.location.origin}/p/${make.data.token}`;
  return (
    <Panel
      title={t("links")}
      extra={
        may("act") && (
          <Button size="small" onClick={() => make.mutate()} loading={make.isPending}>
            {t("makeLink")}
          </Button>
        )
      }
    >
      {link && (
        <Alert
          type="success"
          title={t("linkMade")}
          description={<code className="made-link">{link}</code>}
          action={
            <Button
              size="small"
              icon={<CopyOutlined />}
              onClick={() => void navigator.clipboard.writeText(link).then(() => message.success(common("copied")))}
            >
              {common("copy")}
            </Button>
          }
        />
      )}
      {(make.error ?? revoke.error) && <ProblemAlert error={make.error ?? revoke.error} />}
      <ul className="plain">
        {links.data?.items.map((each) => (
          <li key={each.number} className="brief">
            <Health level={each.works ? "good" : "off"}>
              {each.works ? t("linkWorks", { at: dayjs(each.expires_at).format("YYYY-MM-DD") }) : t("linkOver")}
            </Health>
            <span className="quiet">
              {each.made_by} · {t("seenAt")} <When at={each.seen_at} />
            </span>
            {each.works && may("act") && (
              <Button size="small" type="text" danger onClick={() => revoke.mutate(each.number)}>
                {t("revoke")}
              </Button>
            )}
          </li>
        ))}
      </ul>
    </Panel>
  );
}
