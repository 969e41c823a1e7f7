import { LeftOutlined, RightOutlined } from "@ant-design/icons";
import { useQuery } from "@tanstack/react-query";
import { Button, Flex, Spin } from "antd";
import { useState } from "react";
import { answer, api } from "../../api/client";
import { CodeView, EmptyWithAdvice, ProblemAlert, When } from "../../parts";
import type { Sample } from "./shapes";
import { useTexts } from "./texts";

export type Source = "live" | "recorded" | "dead";

export function useSamples(draft: string, connection: string, stream: string, source: Source) {
  return useQuery({
    queryKey: ["studio", "samples", draft, connection, stream, source],
    queryFn: () =>
      answer<{ items: Sample[] }>(
        api.POST("/v1/studio/drafts/{draft}/samples", {
          params: { path: { draft } },
          body: { connection, stream, source, limit: 10 },
        }),
      ),
    enabled: connection !== "" && stream !== "",
    staleTime: 60_000,
    retry: false,
  });
}

/** Leafs through samples. */
export function SampleTurner(props: { at: number; count: number; turn: (at: number) => void }) {
  const t = useTexts();
  if (props.count < 2) return null;
  return (
    <Flex gap={2} align="center">
      <Button
        size="small"
        type="text"
        icon={<LeftOutlined />}
        aria-label={t("previous")}
        disabled={props.at === 0}
        onClick={() => props.turn(props.at - 1)}
      />
      <span className="studio-muted">{t("ofMany", { n: props.at + 1, all: props.count })}</span>
      <Button
        size="small"
        type="text"
        icon={<RightOutlined />}
        aria-label={t("next")}
        disabled={props.at + 1 >= props.count}
        onClick={() => props.turn(props.at + 1)}
      />
    </Flex>
  );
}

export function SampleView({ samples }: { samples: ReturnType<typeof useSamples> }) {
  const t = useTexts();
  const [at, setAt] = useState(0);
  const items = samples.data?.items ?? [];
  const sample = items[Math.min(at, items.length - 1)];
  if (samples.error) return <ProblemAlert error={samples.error} retry={() => void samples.refetch()} />;
  if (samples.isFetching && !samples.data) return <Spin className="waiting" />;
  if (!sample) return <EmptyWithAdvice title={t("noSamples")} advice={t("noSamplesAdvice")} />;
  return (
    <>
      <Flex justify="space-between" align="center" style={{ marginBottom: 8 }}>
        <span className="studio-mono">{sample.key}</span>
        <Flex gap={12} align="center">
          {sample.at && <When at={sample.at} />}
          <SampleTurner at={at} count={items.length} turn={setAt} />
        </Flex>
      </Flex>
      <CodeView value={sample.text} maxHeight={640} label={t("sample")} />
    </>
  );
}
