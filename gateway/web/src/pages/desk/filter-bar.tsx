import { CloseCircleOutlined, SearchOutlined } from "@ant-design/icons";
import { Button, Input, type InputRef, Select, Tag } from "antd";
import { memo, type RefObject, useEffect, useState } from "react";
import { useCommon } from "../../parts";
import { useGroups } from "../../tickets/people";
import { KINDS, useWord } from "../../tickets/words";
import { narrows, type Question } from "./question";
import { Saved } from "./saved";
import { useTexts } from "./texts";

const STATES = ["pending", "in_progress", "blocked", "resolved", "closed"] as const;
const PRIORITIES = ["P0", "P1", "P2", "P3"] as const;
const ORDERS = ["newest", "recent", "urgent", "due"] as const;

interface Props {
  asked: Question;
  onAsk: (asked: Question) => void;
  searchBox: RefObject<InputRef | null>;
  narrow: boolean;
}

export const FilterBar = memo(function FilterBar({ asked, onAsk, searchBox, narrow }: Props) {
  const t = useTexts();
  const common = useCommon();
  const word = useWord();
  const groups = useGroups();
  const set = (change: Partial<Question>) => onAsk({ ...asked, ...change });
  const flags = [
    { key: "openOnly", on: asked.open, change: { open: !asked.open } },
    { key: "mine", on: asked.mine, change: { mine: !asked.mine } },
    { key: "myGroups", on: asked.my_groups, change: { my_groups: !asked.my_groups } },
    { key: "unassigned", on: asked.unassigned, change: { unassigned: !asked.unassigned } },
    { key: "ungrouped", on: asked.ungrouped, change: { ungrouped: !asked.ungrouped, group: undefined } },
    { key: "overdue", on: asked.sla === "overdue", change: { sla: asked.sla === "overdue" ? undefined : "overdue" } },
    { key: "atRisk", on: asked.sla === "at_risk", change: { sla: asked.sla === "at_risk" ? undefined : "at_risk" } },
    { key: "noFolded", on: asked.folded === false, change: { folded: asked.folded === false ? undefined : false } },
  ] as const;
  const things = [
    { key: "storm", field: "storm" },
    { key: "deviceIs", field: "device" },
    { key: "customerIs", field: "customer" },
    { key: "holderIs", field: "assignee" },
    { key: "sourceIs", field: "source" },
  ] as const;
  return (
    <search className="filters" aria-label={t("filters")}>
      <div className="filters-row">
        <SearchBox value={asked.q ?? ""} onSearch={(q) => set({ q: q || undefined })} box={searchBox} />
        <Many
          label={t("state")}
          value={asked.status}
          options={STATES.map((s) => ({ value: s, label: common(s) }))}
          onChange={(status) => set({ status })}
        />
        <Many
          label={t("priority")}
          value={asked.priority}
          options={PRIORITIES.map((p) => ({ value: p, label: common(p) }))}
          onChange={(priority) => set({ priority })}
        />
        <Many
          label={t("kind")}
          value={asked.kind}
          options={KINDS.map((k) => ({ value: k, label: word(k) }))}
          onChange={(kind) => set({ kind })}
        />
        {(groups.length > 0 || asked.group) && (
          <Many
            label={t("group")}
            value={asked.group}
            options={groups.map((g) => ({ value: g.id, label: g.name }))}
            onChange={(group) => set({ group, ungrouped: undefined })}
          />
        )}
        <Select
          aria-label={t("order")}
          value={asked.order ?? "newest"}
          onChange={(order) => set({ order: order === "newest" ? undefined : order })}
          options={ORDERS.map((o) => ({ value: o, label: t(o) }))}
          popupMatchSelectWidth={false}
        />
        <Saved asked={asked} onAsk={onAsk} />
      </div>
      <div className={`filters-row filters-flags ${narrow ? "filters-scroll" : ""}`}>
        {flags.map((flag) => (
          <button
            type="button"
            key={flag.key}
            className={`chip ${flag.on ? "chip-on" : ""}`}
            aria-pressed={flag.on === true}
            onClick={() => set(flag.change)}
          >
            {t(flag.key)}
          </button>
        ))}
        {things.map(
          ({ key, field }) =>
            asked[field] && (
              <Tag key={field} closable onClose={() => set({ [field]: undefined })} className="id">
                {t(key, { id: asked[field] })}
              </Tag>
            ),
        )}
        {narrows(asked) && (
          <Button
            type="text"
            size="small"
            icon={<CloseCircleOutlined />}
            onClick={() => onAsk(asked.order ? { order: asked.order } : {})}
          >
            {t("clear")}
          </Button>
        )}
      </div>
    </search>
  );
});

function Many(props: {
  label: string;
  value?: string[];
  options: { value: string; label: string }[];
  onChange: (value: string[] | undefined) => void;
}) {
  return (
    <Select
      mode="multiple"
      aria-label={props.label}
      placeholder={props.label}
      value={props.value ?? []}
      options={props.options}
      onChange={(value) => props.onChange(value.length > 0 ? value : undefined)}
      maxTagCount="responsive"
      allowClear
      popupMatchSelectWidth={false}
      showSearch={{ optionFilterProp: "label" }}
      className="filters-many"
    />
  );
}

/** Asks when one stops typing. */
function SearchBox({
  value,
  onSearch,
  box,
}: {
  value: string;
  onSearch: (q: string) => void;
  box: RefObject<InputRef | null>;
}) {
  const t = useTexts();
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: only what is typed asks
  useEffect(() => {
    if (text === value) return;
    const timer = setTimeout(() => onSearch(text.trim()), 250);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <Input
      ref={box}
      className="filters-search"
      aria-label={t("search")}
      placeholder={t("search")}
      prefix={<SearchOutlined />}
      allowClear
      value={text}
      onChange={(event) => setText(event.target.value)}
      onPressEnter={() => onSearch(text.trim())}
      onKeyDown={(event) => event.key === "Escape" && event.currentTarget.blur()}
    />
  );
}
