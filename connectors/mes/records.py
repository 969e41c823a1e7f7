"""The records of the streams: their fields, and how a row of either service becomes one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from connectors.errors import BadRecord
from connectors.mes.calls import CallName, at_path
from connectors.mes.config import MesConfig
from connectors.mes.values import flag, moment, number, text

Kind = Literal["text", "number", "flag", "moment", "seconds", "factor"]
"""seconds: a number of the unit `durations_in`; factor: a number of the kind `oee_as`."""
_JSON_TYPES: Mapping[Kind, dict[str, Any]] = {
    "text": {"type": ["string", "null"]},
    "number": {"type": ["number", "null"]},
    "flag": {"type": ["boolean", "null"]},
    "moment": {"type": ["string", "null"], "format": "date-time"},
    "seconds": {"type": ["number", "null"], "description": "seconds"},
    "factor": {"type": ["number", "null"], "description": "1 is all, as the MES says"},
}
MINUTE = Decimal(60)
HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class Shape:
    """The fields of a stream's record. Every record has all of them; those in `required` are never null."""

    title: str
    kinds: Mapping[str, Kind]
    required: tuple[str, ...]

    @property
    def schema(self) -> dict[str, Any]:
        properties = {name: dict(_JSON_TYPES[kind]) for name, kind in self.kinds.items()}
        return {"type": "object", "required": [*self.required], "properties": properties}


SHAPES: Mapping[str, Shape] = {
    "equipment": Shape(
        "Machines",
        {
            **dict.fromkeys(("id", "name", "model", "serial", "line", "location", "spare", "status"), "text"),
            "changed_at": "moment",
        },
        ("id", "name", "changed_at"),
    ),
    "downtime": Shape(
        "Stops; one without `ends_at` lasts",
        {
            **dict.fromkeys(("id", "device", "line", "shift", "reason_code", "reason"), "text"),
            "planned": "flag",
            "starts_at": "moment",
            "ends_at": "moment",
            "duration_s": "seconds",
            "order": "text",
            "actor": "text",
            "changed_at": "moment",
        },
        ("id", "device", "starts_at", "changed_at"),
    ),
    "oee": Shape(
        "What ISO 22400-2 computes OEE of, per machine and period",
        {
            **dict.fromkeys(("id", "device", "line", "shift"), "text"),
            **dict.fromkeys(("starts_at", "ends_at"), "moment"),
            **dict.fromkeys(
                ("planned_busy_time_s", "actual_production_time_s", "planned_run_time_per_item_s"), "seconds"
            ),
            **dict.fromkeys(("produced", "good"), "number"),
            **dict.fromkeys(("target", "availability", "performance", "quality", "oee"), "factor"),
            "changed_at": "moment",
        },
        ("id", "device", "starts_at", "ends_at", "changed_at"),
    ),
    "work_orders": Shape(
        "Work orders, of production and of maintenance",
        {
            **dict.fromkeys(("id", "type", "status", "device", "item"), "text"),
            **dict.fromkeys(("quantity", "done"), "number"),
            **dict.fromkeys(("unit", "owner"), "text"),
            **dict.fromkeys(("starts_at", "due_at"), "moment"),
            **dict.fromkeys(("priority", "description", "external_id", "request"), "text"),
            "changed_at": "moment",
        },
        ("id", "changed_at"),
    ),
    "inspections": Shape(
        "Quality inspections, inbound and in process",
        {
            **dict.fromkeys(("id", "item", "batch", "supplier", "order"), "text"),
            "inbound": "flag",
            "result": "text",
            **dict.fromkeys(("inspected", "defects"), "number"),
            **dict.fromkeys(("unit", "defect", "inspector"), "text"),
            **dict.fromkeys(("inspected_at", "changed_at"), "moment"),
        },
        ("id", "item", "result", "inspected_at", "changed_at"),
    ),
}
SHAPE_OF: Mapping[CallName, str] = {
    "equipment_of": "equipment",
    "downtime_of": "downtime",
    "oee_of": "oee",
    "work_orders_of": "work_orders",
    "inspections_of_item": "inspections",
    "inspections_of_batch": "inspections",
    "report_of": "work_orders",
}


class Rows:
    """Makes the records of one call out of its rows."""

    def __init__(self, config: MesConfig, name: CallName) -> None:
        self._config = config
        self._name = name
        self._shape = SHAPES[SHAPE_OF.get(name, name)]
        self._paths = config.call(name).fields

    def record(self, row: Any) -> dict[str, Any]:
        """:raises BadRecord: naming the field that can't be used, with the row."""
        if not isinstance(row, Mapping):
            raise BadRecord(f"A row of {self._name} is no set of fields but {str(row)[:60]!r}.", record=row)
        record: dict[str, Any] = {}
        for name, kind in self._shape.kinds.items():
            path = self._paths.get(name, "")
            try:
                record[name] = self._value(kind, at_path(row, path)) if path else None
            except BadRecord as error:
                raise BadRecord(f"{self._name}.{name} ({path}): {error}.", record=dict(row)) from None
            if record[name] is None and name in self._shape.required:
                raise BadRecord(f"{self._name}.{name} ({path or 'no path'}): is missing.", record=dict(row))
        return record

    def changed_at(self, row: Any) -> datetime | None:
        """When a row changed, as far as one can tell, even where the rest of it is unusable."""
        try:
            return moment(at_path(row, self._paths.get("changed_at", "")), self._config.zone)
        except BadRecord:
            return None

    def _value(self, kind: Kind, value: Any) -> Any:
        if kind == "text":
            return text(value)
        if kind == "flag":
            return flag(value)
        if kind == "moment":
            return moment(value, self._config.zone)
        found = number(value)
        if found is None:
            return None
        if kind == "seconds" and self._config.durations_in == "min":
            return found * MINUTE
        return found / HUNDRED if kind == "factor" and self._config.percent else found
