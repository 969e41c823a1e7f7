import { DeleteOutlined, PaperClipOutlined, UploadOutlined } from "@ant-design/icons";
import { useMutation } from "@tanstack/react-query";
import { Button } from "antd";
import { useRef } from "react";
import { answer, api, unsafeHeaders } from "../../api/client";
import { Problem } from "../../api/problem";
import { Panel, ProblemAlert } from "../../parts";
import type { Attachment, WholeTicket } from "../../tickets/types";
import { useTexts } from "./texts";

async function uploaded(ticket: string, file: File): Promise<void> {
  const asked = new URLSearchParams({ name: file.name });
  const response = await fetch(`/v1/tickets/${encodeURIComponent(ticket)}/attachments?${asked}`, {
    method: "POST",
    body: file,
    headers: { ...unsafeHeaders(), "Content-Type": "application/octet-stream" },
  });
  if (!response.ok) throw new Problem(response.status, await response.json().catch(() => undefined));
}

/** Files of the ticket: to save, to add, to take away. */
export function Files({
  ticket,
  mayAttach,
  onDone,
}: {
  ticket: WholeTicket;
  mayAttach: boolean;
  onDone: () => Promise<unknown>;
}) {
  const t = useTexts();
  const chooser = useRef<HTMLInputElement>(null);
  const add = useMutation({ mutationFn: (file: File) => uploaded(ticket.id, file), onSuccess: onDone });
  const remove = useMutation({
    mutationFn: (attachment: number) =>
      answer(
        api.DELETE("/v1/tickets/{ticket}/attachments/{attachment}", {
          params: { path: { ticket: ticket.id, attachment } },
        }),
      ),
    onSuccess: onDone,
  });
  const files: Attachment[] = ticket.attachments ?? [];
  return (
    <Panel
      title={t("files")}
      extra={
        mayAttach && (
          <>
            <input
              ref={chooser}
              type="file"
              hidden
              aria-label={t("upload")}
              onChange={(event) => {
                const file = event.target.files?.[0];
                if (file) add.mutate(file);
                event.target.value = "";
              }}
            />
            <Button
              size="small"
              icon={<UploadOutlined />}
              loading={add.isPending}
              onClick={() => chooser.current?.click()}
            >
              {add.isPending ? t("uploading", { name: add.variables.name }) : t("upload")}
            </Button>
          </>
        )
      }
    >
      {(add.error ?? remove.error) && <ProblemAlert error={add.error ?? remove.error} />}
      {files.length === 0 && <p className="quiet">{t("noFiles")}</p>}
      <ul className="plain">
        {files.map((file) => (
          <li key={file.number} className="brief">
            <PaperClipOutlined />
            <a href={file.href} download className="clip">
              {file.name}
            </a>
            <span className="quiet">{size(file.size)}</span>
            {mayAttach && (
              <Button
                type="text"
                size="small"
                icon={<DeleteOutlined />}
                aria-label={t("delete", { name: file.name })}
                onClick={() => remove.mutate(file.number)}
              />
            )}
          </li>
        ))}
      </ul>
    </Panel>
  );
}

const size = (bytes: number): string =>
  bytes < 1024
    ? `${bytes} B`
    : bytes < 1 << 20
      ? `${Math.round(bytes / 1024)} KB`
      : `${(bytes / (1 << 20)).toFixed(1)} MB`;
