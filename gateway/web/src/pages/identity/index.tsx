/** Identity: find a thing, look at it, and decide what is one thing. */
import { Badge, Segmented, Typography } from "antd";
import { Route, Routes, useLocation, useNavigate } from "react-router";
import { Page } from "../../parts";
import { useReviews } from "./asking";
import { Finding } from "./finding";
import "./identity.css";
import { ReviewPage } from "./review";
import { ReviewList } from "./reviews";
import { useTexts } from "./texts";
import { ThingPage } from "./thing";

export default function Identity() {
  return (
    <Routes>
      <Route index element={<Start />} />
      <Route path="reviews" element={<Start />} />
      <Route path="reviews/:number" element={<ReviewPage />} />
      <Route path=":id" element={<ThingPage />} />
    </Routes>
  );
}

function Start() {
  const t = useTexts();
  const navigate = useNavigate();
  const reviewing = useLocation().pathname.endsWith("/reviews");
  const open = useReviews("open");
  const waiting = open.data?.items.length ?? 0;
  return (
    <Page
      title={t("title")}
      aside={<Typography.Text type="secondary">{t("intro")}</Typography.Text>}
      actions={
        <Segmented
          aria-label={t("title")}
          value={reviewing ? "reviews" : "find"}
          onChange={(wanted) => void navigate(wanted === "reviews" ? "/identity/reviews" : "/identity")}
          options={[
            { value: "find", label: t("find") },
            {
              value: "reviews",
              label: (
                <span>
                  {t("reviewQueue")} {waiting > 0 && <Badge count={waiting} size="small" className="calm-badge" />}
                </span>
              ),
            },
          ]}
        />
      }
    >
      {reviewing ? <ReviewList /> : <Finding />}
    </Page>
  );
}
