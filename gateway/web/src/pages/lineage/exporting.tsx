/** Taking along what is shown: a picture, OpenLineage events, or the link. */
import { DownloadOutlined, LinkOutlined } from "@ant-design/icons";
import { App, Button, Dropdown, Space } from "antd";
import type { RefObject } from "react";
import type { Exporter } from "./graph";
import { saveJson } from "./graph/export";
import { useTexts } from "./texts";

interface Props {
  name: string;
  /** The drawing, where one is shown. */
  drawing: RefObject<Exporter | null> | null;
  events: () => Promise<unknown>;
}

export function ExportMenu({ name, drawing, events }: Props) {
  const t = useTexts();
  const { message } = App.useApp();
  const file = `lineage ${name}`.replace(/[^\p{L}\p{N}.-]+/gu, "-").slice(0, 80);
  const told = (done: Promise<unknown>) =>
    done.catch((error: unknown) => message.error(error instanceof Error ? error.message : String(error)));
  const picture = [
    { key: "png", label: "PNG" },
    { key: "svg", label: "SVG" },
  ];
  const run = (key: string) => {
    if (key === "svg") drawing?.current?.svg(file);
    else if (key === "png") void told(drawing?.current?.png(file) ?? Promise.resolve());
    else void told(events().then((found) => saveJson(`${file}-openlineage`, found)));
  };
  return (
    <Space>
      <Button
        icon={<LinkOutlined />}
        onClick={() =>
          void told(navigator.clipboard.writeText(window.location.href).then(() => message.success(t("shared"))))
        }
      >
        {t("share")}
      </Button>
      <Dropdown
        trigger={["click"]}
        menu={{
          items: [...(drawing ? picture : []), { key: "openlineage", label: "OpenLineage JSON" }],
          onClick: ({ key }) => run(key),
        }}
      >
        <Button icon={<DownloadOutlined />}>{t("exportAs")}</Button>
      </Dropdown>
    </Space>
  );
}
