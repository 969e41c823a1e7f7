/** What a merge would move, before anybody does it. */
import { Alert, Table, Tag, Typography } from "antd";
import { StateTag, TicketLink } from "../../parts";
import { useTexts } from "./texts";
import type { Attribute, Preview } from "./types";
import { ruleName, told } from "./words";

export function PreviewShown({ preview }: { preview: Preview }) {
  const t = useTexts();
  if (preview.already) return <Alert type="info" showIcon title={t("alreadyOne", { id: preview.already.id })} />;
  const strong = preview.attributes.some((each) => each.strong && each.conflict);
  return (
    <div className="preview">
      {preview.forbidden.map((pair) => (
        <Alert
          key={`${pair.a} ${pair.b}`}
          type="error"
          showIcon
          title={t("forbiddenPair", { actor: pair.actor, a: pair.a, b: pair.b })}
        />
      ))}
      {strong && <Alert type="warning" showIcon title={t("strongConflict")} />}
      <p>{t("goesInto", { loser: preview.loser, winner: preview.winner, n: preview.moves.length })}</p>
      <dl className="moves">
        <div>
          <dt>{t("movesKeys")}</dt>
          <dd>
            {preview.keys.map((key) => (
              <Tag key={`${key.system} ${key.local_id}`} variant="filled">
                {key.system} <code>{key.local_id}</code>
              </Tag>
            ))}
          </dd>
        </div>
        <div>
          <dt>{t("movesTickets")}</dt>
          <dd>
            {t("openOf", { open: preview.tickets.open, count: preview.tickets.count })}
            <ul>
              {preview.tickets.items.slice(0, 5).map((ticket) => (
                <li key={ticket.id}>
                  <StateTag state={ticket.status} /> <TicketLink id={ticket.id} title={ticket.title} />
                </li>
              ))}
            </ul>
            {preview.tickets.count > 5 && (
              <Typography.Text type="secondary">{t("more", { n: preview.tickets.count - 5 })}</Typography.Text>
            )}
          </dd>
        </div>
        <div>
          <dt>{t("movesRecords")}</dt>
          <dd>
            {preview.links.length === 0 && "–"}
            {preview.links.map((link) => (
              <Tag key={`${link.connection}/${link.stream}`} variant="filled">
                {link.connection}/{link.stream} {link.records}
              </Tag>
            ))}
          </dd>
        </div>
      </dl>
      <h3 className="small-head">
        {t("attributes")} ·{" "}
        {preview.conflicts.length > 0 ? t("conflictsN", { n: preview.conflicts.length }) : t("noConflicts")}
      </h3>
      <Attributes preview={preview} />
    </div>
  );
}

function Attributes({ preview }: { preview: Preview }) {
  const t = useTexts();
  const rows = [...preview.attributes].sort((x, y) => Number(y.conflict) - Number(x.conflict));
  return (
    <Table<Attribute>
      size="small"
      rowKey="field"
      dataSource={rows}
      pagination={rows.length > 12 ? { pageSize: 12, showSizeChanger: false, size: "small" } : false}
      columns={[
        {
          title: t("field"),
          render: (_, each) => (
            <>
              {each.field} {each.conflict && <Tag variant="filled">{t("conflict")}</Tag>}
            </>
          ),
        },
        { title: preview.a, render: (_, each) => <span className="wrap">{told(each.a)}</span> },
        { title: preview.b, render: (_, each) => <span className="wrap">{told(each.b)}</span> },
        {
          title: t("after"),
          render: (_, each) => (
            <>
              <b className="wrap">{told(each.after)}</b>
              <div className="merge-reason">
                {each.system} · {ruleName(each.rule, t)}
              </div>
            </>
          ),
        },
      ]}
    />
  );
}
