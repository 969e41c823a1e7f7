"""What an administrator reads: settings in force and where from, how long things are kept, what audits found."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Literal

import orjson
from fastapi import APIRouter, Response
from pydantic import BaseModel, Field, SecretStr
from sqlalchemy import select

from gateway import clock, retention, tables
from gateway.api.access import REFUSALS, Administrator, GatewayDep
from gateway.api.shapes import answer
from gateway.database import normalise
from gateway.settings import Origin, Settings, origins

router = APIRouter(prefix="/v1", tags=["administration"], responses=REFUSALS)
ROUNDS = 100


class Setting(BaseModel):
    name: str
    environment: str
    value: str | None = Field(description="As text; of a secret only whether it is set.")
    default: str | None
    origin: Origin
    secret: bool
    description: str


class InForce(BaseModel):
    items: list[Setting]
    next_cursor: None = None


class Kept(BaseModel):
    kind: Literal["messages", "tickets", "landing", "segments"]
    setting: str
    days: int = Field(description="0: for ever.")
    before: str | None = Field(description="What is older is due.")


class Retention(BaseModel):
    kinds: list[Kept]
    held: dict[str, int] = Field(description="What there is now.")


@router.get("/settings")
def read_settings(gateway: GatewayDep, _: Administrator) -> InForce:
    """Every setting as it runs, and where it comes from; never a secret."""
    come_from = origins(gateway.settings)
    shown = []
    for name, field in Settings.model_fields.items():
        value = getattr(gateway.settings, name)
        secret = isinstance(value, SecretStr) or "SecretStr" in str(field.annotation)
        shown.append(
            Setting(
                name=name, environment=f"WEFT_{name.upper()}", value=_text(name, value), default=_text(name, field.default),
                origin=come_from[name], secret=secret, description=field.description or "",
            )
        )  # fmt: skip
    return InForce(items=shown)


def _text(name: str, value: Any) -> str | None:
    if value is None or value == "":
        return None
    if isinstance(value, SecretStr):
        return "********"
    if name == "database_url":
        return normalise(value).render_as_string(hide_password=True)
    return str(value)


_SETTING = {"messages": "keep_messages_days", "tickets": "seal_tickets_days", "landing": "seal_landing_days",
            "segments": "keep_segments_days"}  # fmt: skip


@router.get("/retention")
def read_retention(gateway: GatewayDep, _: Administrator) -> Retention:
    """How long what is kept, and how much there is of it."""
    s, now = gateway.settings, clock.now()
    kinds = [
        Kept(kind=kind, setting=_SETTING[kind], days=getattr(s, _SETTING[kind]), before=clock.rfc3339(before))
        for kind, before in retention.horizons(s, now).items()
    ]
    return Retention(kinds=kinds, held=asdict(retention.held(gateway)))


@router.get("/audit/rounds")
def list_rounds(gateway: GatewayDep, _: Administrator) -> Response:
    """What the hub's own audits found, the latest first."""
    r = tables.audit_round
    with gateway.reading() as conn:
        rows = conn.execute(select(r).order_by(r.c.at.desc()).limit(ROUNDS)).all()
    return answer({"items": [
        {"at": clock.rfc3339(row.at), "received": row.received,
         "findings": [{"what": what, "count": n, "rows": told} for what, n, told in orjson.loads(row.findings)]}
        for row in rows
    ], "next_cursor": None})  # fmt: skip
