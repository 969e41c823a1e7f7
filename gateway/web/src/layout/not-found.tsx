import { Button, Result } from "antd";
import { useNavigate } from "react-router";
import { useCommon } from "../parts/texts";
import { useTitle } from "../session";

export function NotFound() {
  const t = useCommon();
  useTitle(t("notFound"));
  return <Advice status="404" title={t("notFound")} advice={t("notFoundAdvice")} />;
}

/** Instead of a page that one may not see. */
export function NotAllowed() {
  const t = useCommon();
  useTitle(t("notAllowed"));
  return <Advice status="403" title={t("notAllowed")} advice={t("notAllowedAdvice")} />;
}

function Advice(props: { status: "403" | "404"; title: string; advice: string }) {
  const t = useCommon();
  const navigate = useNavigate();
  return (
    <Result
      status="info"
      title={<h1 className="advice-title">{props.title}</h1>}
      subTitle={props.advice}
      extra={
        <Button type="primary" onClick={() => void navigate("/")}>
          {t("backHome")}
        </Button>
      }
    />
  );
}
