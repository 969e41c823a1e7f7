"""A hub with people: a line's team, a team of electricians, and a pool."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PEOPLE: Mapping[str, Any] = {
    "policy": "people",
    "groups": [
        {"id": "line-1", "name": "一号线", "lead": "wang", "modules": ["spindle"]},
        {"id": "electric", "name": "电气"},
        {"id": "dispatch", "name": "调度"},
    ],
    "persons": [
        {"id": "wang", "name": "王建国", "roles": ["team_lead"], "groups": ["line-1"], "channels": {"wecom": "wang"}},
        {"id": "li.na", "name": "李娜", "roles": ["technician"], "groups": ["line-1"], "skills": ["PLC"],
         "channels": {"wecom": "lina"}},
        {"id": "zhao", "name": "赵强", "roles": ["technician"], "groups": ["electric"], "channels": {"sms": "138"}},
        {"id": "sun", "name": "孙丽", "roles": ["dispatcher"], "groups": ["dispatch"], "channels": {"wecom": "sun"}},
        {"id": "audit", "name": "审计", "roles": ["auditor"], "groups": ["line-1"], "channels": {"email": "a@b.c"}},
    ],
}  # fmt: skip
ROUTING: Mapping[str, Any] = {
    "policy": "routing",
    "pool": "dispatch",
    "hours": "always",
    "rules": [
        {"id": "plc", "words": ["PLC", "控制器"], "skill": "plc", "group": "line-1"},
        {"id": "electric", "labels": {"module": "Power"}, "group": "electric"},
        {"id": "incidents", "kind": "incident", "group": "line-1", "without": ["办公室"]},
    ],
}


def config(*policies: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """What `weft apply` takes."""
    return {"policies": [dict(p) for p in policies], **more}


def routing(*rules: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """The policy with other rules."""
    return {**ROUTING, "rules": [dict(r) for r in rules], **more}
