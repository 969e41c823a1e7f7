/** Taking records out of a thing that is really two. */
import { App, Checkbox, Input, Modal } from "antd";
import { useState } from "react";
import { ProblemAlert } from "../../parts";
import { useSplit } from "./asking";
import { useTexts } from "./texts";
import type { Thing } from "./types";

export function SplitDialog({ thing, open, close }: { thing: Thing; open: boolean; close: () => void }) {
  const t = useTexts();
  const { message } = App.useApp();
  const [out, setOut] = useState<string[]>([]);
  const [reason, setReason] = useState("");
  const [apart, setApart] = useState(true);
  const split = useSplit();
  const births = new Set(thing.crosswalk.map((key) => key.birth_id));
  const leave = () => {
    setOut([]);
    setReason("");
    close();
  };
  const confirm = () =>
    split.mutate(
      { id: thing.live, out, reason, apart },
      {
        onSuccess: (done) => {
          void message.success(t("splitDone", { stayed: done.stayed, left: done.left }));
          leave();
        },
      },
    );
  return (
    <Modal
      open={open}
      title={t("splitTitle", { id: thing.name ?? thing.live })}
      onCancel={leave}
      okText={t("confirmSplit")}
      okButtonProps={{
        disabled: out.length === 0 || out.length >= births.size,
        loading: split.isPending,
        danger: true,
      }}
      onOk={confirm}
      destroyOnHidden
    >
      <div className="dialog">
        <p>{t("splitAdvice")}</p>
        <Checkbox.Group
          aria-label={t("splitOut")}
          className="split-keys"
          value={out}
          onChange={(chosen) => setOut(chosen)}
          options={[...births].map((birth) => ({
            value: birth,
            label: thing.crosswalk
              .filter((key) => key.birth_id === birth)
              .map((key) => `${key.system} ${key.local_id}`)
              .join(", "),
          }))}
        />
        <Checkbox checked={apart} onChange={(event) => setApart(event.target.checked)}>
          {t("keepApart")}
        </Checkbox>
        <Input
          value={reason}
          onChange={(event) => setReason(event.target.value)}
          placeholder={t("reasonAdvice")}
          aria-label={t("reason")}
          maxLength={500}
        />
        {split.error && <ProblemAlert error={split.error} />}
      </div>
    </Modal>
  );
}
