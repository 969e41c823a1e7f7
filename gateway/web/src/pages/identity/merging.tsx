/** Merging a thing with another: choose it, see what would move, say why. */
import { App, Input, Modal, Select } from "antd";
import { useDeferredValue, useState } from "react";
import { useNavigate } from "react-router";
import { Loading, ProblemAlert } from "../../parts";
import { useFoundThings, useMerge, usePreview } from "./asking";
import { PreviewShown } from "./preview";
import { useTexts } from "./texts";
import type { Thing } from "./types";
import { kindName } from "./words";

export function MergeDialog({ thing, open, close }: { thing: Thing; open: boolean; close: () => void }) {
  const t = useTexts();
  const navigate = useNavigate();
  const { message } = App.useApp();
  const [text, setText] = useState("");
  const [other, setOther] = useState<string | null>(null);
  const [reason, setReason] = useState("");
  const found = useFoundThings(useDeferredValue(text), [thing.kind]);
  // once they are merged this thing may go by the other's id, and there is nothing more to ask
  const preview = usePreview(thing.live, open && other !== thing.live ? other : null);
  const merge = useMerge();
  const choices = (found.data?.items ?? []).filter((each) => each.id !== thing.live);
  const leave = () => {
    setOther(null);
    setText("");
    setReason("");
    close();
  };
  const blocked = !preview.data || preview.data.forbidden.length > 0 || preview.data.already !== null;
  const confirm = () => {
    if (!other) return;
    merge.mutate(
      { a: thing.live, b: other, reason },
      {
        onSuccess: (event) => {
          void message.success(t("mergedDone", { winner: event.winner }));
          leave();
          void navigate(`/identity/${event.winner}`);
        },
      },
    );
  };
  return (
    <Modal
      open={open}
      title={t("mergeTitle", { id: thing.name ?? thing.live })}
      onCancel={leave}
      width={860}
      okText={t("confirmMerge")}
      okButtonProps={{ disabled: blocked, loading: merge.isPending }}
      onOk={confirm}
      destroyOnHidden
    >
      <div className="dialog">
        <Select
          showSearch={{ filterOption: false, onSearch: setText }}
          value={other}
          onChange={(id: string) => setOther(id)}
          placeholder={t("chooseOther", { kind: kindName(thing.kind, t) })}
          aria-label={t("chooseOther", { kind: kindName(thing.kind, t) })}
          notFoundContent={text ? t("nothingFound") : t("searchThings")}
          options={choices.map((each) => ({ value: each.id, label: `${each.name ?? each.text} · ${each.id}` }))}
        />
        {preview.error && <ProblemAlert error={preview.error} />}
        {other && preview.isFetching && !preview.data && <Loading />}
        {preview.data && (
          <section aria-label={t("preview")}>
            <h3 className="small-head">{t("preview")}</h3>
            <PreviewShown preview={preview.data} />
          </section>
        )}
        {preview.data && !blocked && (
          <Input
            value={reason}
            onChange={(event) => setReason(event.target.value)}
            placeholder={t("reasonAdvice")}
            aria-label={t("reason")}
            maxLength={500}
          />
        )}
        {merge.error && <ProblemAlert error={merge.error} />}
      </div>
    </Modal>
  );
}
