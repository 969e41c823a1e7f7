"""What `check()` finds out: a real login, then every right the connector needs, one by one. Nothing is changed."""

from __future__ import annotations

from connectors.contract import Health, MissingRight
from connectors.errors import AuthProblem, ConnectorError
from connectors.kingdee.client import KingdeeClient, MayNot, Refused
from connectors.kingdee.config import STREAMS, KingdeeConfig
from connectors.kingdee.forms import FORMS, REQUISITION
from connectors.kingdee.records import quoted

_GRANT = "系统管理 > 业务对象功能授权 (the role of the hub's user) > {form}"
_NOBODY = "WEFT-CHECK-NO-SUCH-BILL"
"""Names no bill; asking for its submission changes nothing but tells whether it would be allowed."""


def check(client: KingdeeClient, config: KingdeeConfig) -> Health:
    """Never raises a ConnectorError: what fails is in the answer."""
    version, remark = "", ""
    try:
        organization = client.query("ORG_Organizations", ["FNumber"], where=_org(config), limit=1)
    except MayNot:
        organization = [config.organization]  # not everyone may read organisations; the streams will tell
    except ConnectorError as e:
        return Health(ok=False, message=f"{e} {e.hint}".strip())
    try:
        answer = client.login_answer or client.log_in_once()
        version, remark = answer.version, answer.remark
    except AuthProblem:
        version = ""  # a site may allow signed calls only; they work, as the query has shown
    except ConnectorError as e:
        return Health(ok=False, message=f"{e} {e.hint}".strip())
    if not organization:
        told = f"`organization`: Kingdee has no organisation {config.organization!r}, or the user may not see it."
        return Health(ok=False, message=told, remote_version=version)
    try:
        missing = [*_reads(client, config), *_steps(client)]
    except ConnectorError as e:
        return Health(ok=False, message=f"{e} {e.hint}".strip(), remote_version=version)
    told = f"Logged in to data centre {config.data_center} of K3 Cloud {version}".strip()
    told += f", but {len(missing)} right(s) are missing." if missing else "; all rights are there."
    message = f"{told} {remark}".strip()
    return Health(ok=not missing, message=message, remote_version=version, missing_rights=tuple(missing))


def _org(config: KingdeeConfig) -> str:
    return f"FNumber = {quoted(config.organization)}"


def _reads(client: KingdeeClient, config: KingdeeConfig) -> list[MissingRight]:
    missing = []
    for name in STREAMS:
        form, row = ("STK_Inventory", "FMaterialId") if name == "stock" else (FORMS[name].form, FORMS[name].row)
        if name in config.leave_out:
            continue
        try:
            client.query(form, [row], limit=1)
        except MayNot:
            needed_for = f"reading the stream {name}"
            missing.append(
                MissingRight(right=f"{form}: 查看", needed_for=needed_for, grant_at=_GRANT.format(form=form))
            )
    return missing


def _steps(client: KingdeeClient) -> list[MissingRight]:
    """The rights to submit and audit requisitions. The right to save can't be tried without saving."""
    missing = []
    for operation, right in (("View", "查看"), ("Submit", "提交"), ("Audit", "审核")):
        try:
            if operation == "View":
                client.query(REQUISITION, ["FID"], limit=1)
            else:
                client.operate(operation, REQUISITION, {"Numbers": [_NOBODY], "Ids": ""}, write=False)
        except MayNot:
            missing.append(
                MissingRight(
                    right=f"{REQUISITION}: {right}",
                    needed_for=f"purchase requisitions ({operation})",
                    grant_at=_GRANT.format(form=REQUISITION),
                )
            )
        except Refused:
            continue  # it looked for the bill, so the operation itself is allowed
    return missing
