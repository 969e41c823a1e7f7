/** Finding a field by words. */
import { SearchOutlined } from "@ant-design/icons";
import { AutoComplete, Input } from "antd";
import { useDeferredValue, useState } from "react";
import { useNavigate } from "react-router";
import { nodeLink } from "./address";
import { useFound } from "./asking";
import { useTexts } from "./texts";

export function FieldSearch({ width = 320 }: { width?: number | string }) {
  const t = useTexts();
  const navigate = useNavigate();
  const [text, setText] = useState("");
  const { data } = useFound(useDeferredValue(text));
  const items = text.trim() === "" ? [] : (data?.items ?? []);
  return (
    <AutoComplete
      style={{ width, maxWidth: "100%" }}
      value={text}
      onChange={setText}
      onSelect={(link: string) => {
        setText("");
        void navigate(link);
      }}
      notFoundContent={text.trim() !== "" && data ? t("nothingFound") : null}
      options={items.map((item) => ({
        value: nodeLink(item),
        label: (
          <span className="found-field">
            <b>{item.field}</b> <span>{item.dataset}</span>
          </span>
        ),
      }))}
    >
      <Input prefix={<SearchOutlined />} placeholder={t("searchFields")} aria-label={t("searchFields")} allowClear />
    </AutoComplete>
  );
}
