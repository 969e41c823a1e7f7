import { DeleteOutlined, StarOutlined } from "@ant-design/icons";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Button, Checkbox, Divider, Input, Popover } from "antd";
import { useState } from "react";
import { answer, api } from "../../api/client";
import { ProblemAlert, useCommon } from "../../parts";
import { useSession } from "../../session";
import { narrows, type Question } from "./question";
import { useTexts } from "./texts";

interface SavedFilter {
  number: number;
  name: string;
  query: Question;
  shared: boolean;
  owner: string;
  mine: boolean;
}
const KEY = ["desk", "filters"];

/** Filters that one saved, or that others share. */
export function Saved({ asked, onAsk }: { asked: Question; onAsk: (asked: Question) => void }) {
  const t = useTexts();
  const common = useCommon();
  const { may } = useSession();
  const queries = useQueryClient();
  const [open, setOpen] = useState(false);
  const [name, setName] = useState("");
  const [shared, setShared] = useState(false);
  const { data } = useQuery({
    queryKey: KEY,
    queryFn: () => answer<{ items: SavedFilter[] }>(api.GET("/v1/desk/filters")),
    enabled: open,
  });
  const after = { onSuccess: () => queries.invalidateQueries({ queryKey: KEY }) };
  const save = useMutation({
    mutationFn: () => answer(api.PUT("/v1/desk/filters", { body: { name: name.trim(), query: { ...asked }, shared } })),
    onSuccess: async () => {
      setName("");
      await queries.invalidateQueries({ queryKey: KEY });
    },
  });
  const remove = useMutation({
    mutationFn: (number: number) => answer(api.DELETE("/v1/desk/filters/{number}", { params: { path: { number } } })),
    ...after,
  });
  const content = (
    <div className="saved" role="dialog" aria-label={t("saved")}>
      {data?.items.length === 0 && <p className="quiet">{t("noSaved")}</p>}
      <ul>
        {data?.items.map((each) => (
          <li key={each.number}>
            <Button
              type="text"
              size="small"
              onClick={() => {
                onAsk(each.query);
                setOpen(false);
              }}
            >
              {each.name}
            </Button>
            {!each.mine && <span className="quiet">{t("sharedBy", { who: each.owner })}</span>}
            {(each.mine || may("configure")) && (
              <Button
                type="text"
                size="small"
                icon={<DeleteOutlined />}
                aria-label={t("remove", { name: each.name })}
                onClick={() => remove.mutate(each.number)}
              />
            )}
          </li>
        ))}
      </ul>
      {narrows(asked) && (
        <>
          <Divider size="small" />
          <form
            onSubmit={(event) => {
              event.preventDefault();
              if (name.trim()) save.mutate();
            }}
          >
            <Input
              aria-label={t("name")}
              placeholder={t("name")}
              value={name}
              maxLength={100}
              onChange={(event) => setName(event.target.value)}
            />
            {may("act") && (
              <Checkbox checked={shared} onChange={(event) => setShared(event.target.checked)}>
                {t("share")}
              </Checkbox>
            )}
            <Button htmlType="submit" type="primary" disabled={!name.trim()} loading={save.isPending}>
              {common("save")}
            </Button>
          </form>
        </>
      )}
      {(save.error ?? remove.error) && <ProblemAlert error={save.error ?? remove.error} />}
    </div>
  );
  return (
    <Popover trigger="click" placement="bottomRight" open={open} onOpenChange={setOpen} content={content}>
      <Button icon={<StarOutlined />}>{t("saved")}</Button>
    </Popover>
  );
}
