import { CheckOutlined } from "@ant-design/icons";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Alert, Button, Input, Rate, Spin } from "antd";
import { useEffect, useState } from "react";
import { useParams } from "react-router";
import { answer, api } from "../../api/client";
import { Problem } from "../../api/problem";
import { useLanguage } from "../../i18n";
import { ProblemAlert, When } from "../../parts";
import "./progress.css";
import { useTexts } from "./texts";

interface Told {
  id: string;
  title?: string;
  status?: string;
  resolution?: string;
  resolution_due?: string;
  updated_at?: string;
  steps: { name: "received" | "working" | "solved" | "confirmed"; done: boolean; at: string | null }[];
  said: { at: string; by_customer: boolean; text: string }[];
  may_confirm: boolean;
  waits_for_you: boolean;
}
const LIVE_MS = 30_000;

/** How far a ticket is, for the customer who has its link: on a phone, without an account. */
export default function Progress() {
  const { token = "" } = useParams();
  const t = useTexts();
  const [language, setLanguage] = useLanguage();
  const { data, error } = useQuery({
    queryKey: ["progress", token],
    queryFn: () => answer<Told>(api.GET("/v1/progress/{token}", { params: { path: { token } } })),
    refetchInterval: ({ state }) => (state.error ? false : LIVE_MS),
    retry: false,
  });
  useEffect(() => {
    document.title = t("title");
  }, [t]);
  return (
    <main className="progress-page">
      <header>
        <h1>{t("title")}</h1>
        <Button size="small" type="text" onClick={() => setLanguage(language === "zh" ? "en" : "zh")}>
          {t("language")}
        </Button>
      </header>
      {error && !data && <Refused error={error} />}
      {!data && !error && <Spin className="waiting" delay={200} />}
      {data && <Shown told={data} token={token} />}
    </main>
  );
}

function Refused({ error }: { error: Error }) {
  const t = useTexts();
  const status = error instanceof Problem ? error.status : 0;
  if (status === 410) return <Alert type="info" title={t("expired")} description={t("expiredAdvice")} />;
  if (status === 404) return <Alert type="warning" title={t("unknown")} description={t("expiredAdvice")} />;
  if (status === 429) return <Alert type="warning" title={t("busy")} />;
  return <ProblemAlert error={error} />;
}

function Shown({ told, token }: { told: Told; token: string }) {
  const t = useTexts();
  const current = told.steps.findLastIndex((step) => step.done);
  return (
    <>
      <section className="progress-card">
        {told.title && <h2>{told.title}</h2>}
        <p className="progress-note">
          {t("ticket", { id: told.id })}
          {told.updated_at && (
            <>
              {" · "}
              {t("updated")} <When at={told.updated_at} />
            </>
          )}
        </p>
        {told.status === "blocked" && (
          <Alert type="info" title={t(told.waits_for_you ? "waits" : "blocked")} className="progress-wait" />
        )}
        <ol className="steps">
          {told.steps.map((step, n) => (
            <li
              key={step.name}
              className={step.done ? "step-done" : ""}
              aria-current={n === current ? "step" : undefined}
            >
              <span aria-hidden className="step-mark">
                {step.done && <CheckOutlined />}
              </span>
              <span>
                <strong>{t(step.name)}</strong>
                {step.at && (
                  <small>
                    <When at={step.at} exact />
                  </small>
                )}
              </span>
            </li>
          ))}
        </ol>
        {told.resolution && (
          <p>
            <strong>{t("resolution")}</strong>
            <br />
            {told.resolution}
          </p>
        )}
        {told.resolution_due && (
          <p className="progress-note">
            {t("due")} <When at={told.resolution_due} exact ahead />
          </p>
        )}
      </section>
      {told.may_confirm && !told.steps.at(-1)?.done && <Ask token={token} />}
      {told.steps.at(-1)?.done && <Alert type="success" showIcon title={t("thanks")} />}
      {told.said.length > 0 && (
        <section className="progress-card">
          <h2>{t("messages")}</h2>
          <ul className="said">
            {told.said.map((each) => (
              <li key={each.at} className={each.by_customer ? "said-you" : ""}>
                <span className="progress-note">
                  {t(each.by_customer ? "you" : "us")} · <When at={each.at} />
                </span>
                <p>{each.text}</p>
              </li>
            ))}
          </ul>
        </section>
      )}
    </>
  );
}

function Ask({ token }: { token: string }) {
  const t = useTexts();
  const queries = useQueryClient();
  const [score, setScore] = useState(0);
  const [text, setText] = useState("");
  const say = useMutation({
    mutationFn: (solved: boolean) =>
      answer<Told>(
        api.POST("/v1/progress/{token}", {
          params: { path: { token } },
          body: { solved, text, ...(solved && score > 0 ? { score } : {}) } as never,
        }),
      ),
    onSuccess: (told) => queries.setQueryData(["progress", token], told),
  });
  return (
    <section className="progress-card progress-ask">
      <h2>{t("question")}</h2>
      <span id="score-name">{t("score")}</span>
      <Rate value={score} onChange={setScore} aria-labelledby="score-name" />
      <Input.TextArea
        rows={3}
        aria-label={t("words")}
        placeholder={t("words")}
        value={text}
        maxLength={2000}
        onChange={(event) => setText(event.target.value)}
      />
      {say.error && <ProblemAlert error={say.error} />}
      <div className="progress-buttons">
        <Button type="primary" size="large" loading={say.isPending && say.variables} onClick={() => say.mutate(true)}>
          {t("yes")}
        </Button>
        <Button size="large" loading={say.isPending && !say.variables} onClick={() => say.mutate(false)}>
          {t("no")}
        </Button>
      </div>
    </section>
  );
}
