"""Operations: one request each, and how to find out afterwards whether it happened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from connectors.contract import Command, Echo, Operation, Outcome, Receipt
from connectors.errors import BadRecord, ConfigProblem
from connectors.manifest.exchange import Refused, Reply
from connectors.manifest.forms import BodyField, ConfirmForm, OperationForm
from connectors.manifest.paths import at
from connectors.manifest.shapes import Field as FieldForm
from connectors.manifest.shapes import convert
from connectors.manifest.templates import as_text, fill_text

_JSON_TYPES = {
    "text": "string", "number": "number", "int": "integer", "bool": "boolean", "datetime": "string", "list": "array",
    "map": "object",
}  # fmt: skip
_UTC = ZoneInfo("UTC")


class Writing:
    """What a connector with `operations` can do beside the rest."""

    manifest: Any
    values: Mapping[str, Any]
    ask: Any
    """(request, values, *, deadline_s=None, effect=False) -> Reply"""

    def operations(self) -> Sequence[Operation]:
        return tuple(
            Operation(
                name=name,
                title=form.title,
                title_zh=form.title_zh,
                body_schema=body_schema(form.body),
                can_confirm=form.confirm is not None,
            )
            for name, form in self.manifest.operations.items()
        )

    def write(self, command: Command) -> Receipt:
        """One request. Raises BadRecord for a command that does not fit, and what the client raises."""
        form = self.manifest.operations.get(command.op)
        if form is None:
            known = ", ".join(self.manifest.operations)
            return Receipt(command.id, Outcome.rejected, reason=f"no operation {command.op!r}; there are: {known}")
        values = self.values_of(form, command)
        try:
            reply = self.ask(form.request, values, effect=True)
        except Refused as no:
            if no.status in form.already:
                return self._receipt(form, command, values, Reply(None), Outcome.duplicate)
            return Receipt(command.id, Outcome.rejected, reason=no.reason)
        again = form.already_when is not None and form.already_when.holds(reply.body)
        return self._receipt(form, command, values, reply, Outcome.duplicate if again else Outcome.applied)

    def confirm(self, command: Command) -> Receipt | None:
        """Whether it happened. Raises ConfigProblem where the manifest gives no way to find out."""
        form = self.manifest.operations.get(command.op)
        if form is None or form.confirm is None:
            raise ConfigProblem(
                f"{command.op}: this system cannot be asked whether it happened", hint="look there, then decide"
            )
        values = self.values_of(form, command)
        try:
            reply = self.ask(form.confirm.request, values)
        except Refused as no:
            if no.status == 404:
                return None
            raise ConfigProblem(
                f"{command.op}: {no.status} {no.reason}", hint="does `confirm` fit the system?"
            ) from None
        found = confirmed(form.confirm, reply.body, values)
        if found is None:
            return None
        told = at(found, form.confirm.external_id) if form.confirm.external_id else None
        return Receipt(
            command.id, Outcome.applied, as_text(told) if told is not None else "", echoes=_echoes(form, values)
        )

    def values_of(self, form: OperationForm, command: Command) -> dict[str, Any]:
        """What the templates of an operation can use. Raises BadRecord for a command that does not fit."""
        for name in form.key:
            if command.key.get(name) in (None, ""):
                raise BadRecord(f"key.{name} is missing", record=dict(command.key))
        told = {"id": command.id, "idempotency_key": command.idempotency_key}
        key = {name: command.key[name] for name in form.key}
        return {**self.values, "key": key, "body": checked_body(form.body, command.body), "command": told}

    def _receipt(
        self, form: OperationForm, command: Command, values: Mapping[str, Any], reply: Reply, outcome: Outcome
    ) -> Receipt:
        told = at(reply.body, form.external_id) if form.external_id else None
        return Receipt(
            command.id,
            outcome,
            external_id=as_text(told) if told is not None else "",
            echoes=_echoes(form, values) if outcome is Outcome.applied else (),
            values={name: at(reply.body, path) for name, path in form.values.items()},
        )


def confirmed(form: ConfirmForm, body: Any, values: Mapping[str, Any]) -> Any:
    """The object that shows that it happened; None: there is none."""
    found = at(body, form.records)
    wanted = {path: fill_text(text, values) for path, text in form.where.items()}
    for each in found if isinstance(found, list) else [found]:
        if each and all(_is(at(each, path), text) for path, text in wanted.items()):
            return each
    return None


def checked_body(fields: Mapping[str, BodyField], body: Mapping[str, Any]) -> dict[str, Any]:
    """A command's body by its description. Raises BadRecord, naming the value."""
    unknown = sorted(body.keys() - fields.keys())
    if unknown:
        raise BadRecord(f"body.{unknown[0]} is not known; there are {', '.join(fields) or 'none'}", record=dict(body))
    checked = {}
    for name, field in fields.items():
        value = body.get(name)
        if value is None or value == "":
            if field.required:
                raise BadRecord(f"body.{name} is missing", record=dict(body))
            continue
        try:
            checked[name] = convert(value, FieldForm(type=field.type), _UTC)
        except (BadRecord, ValueError, OverflowError) as error:
            raise BadRecord(f"body.{name}: {error}", record=dict(body)) from None
    return checked


def body_schema(fields: Mapping[str, BodyField]) -> dict[str, Any]:
    """JSON Schema of a command's body."""
    properties = {
        name: {"description": field.description, "type": _JSON_TYPES.get(field.type, "object")}
        for name, field in fields.items()
    }
    required = [n for n, f in fields.items() if f.required]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _echoes(form: OperationForm, values: Mapping[str, Any]) -> tuple[Echo, ...]:
    return tuple(
        Echo(echo.stream, fill_text(echo.key, values), {path: fill_text(t, values) for path, t in echo.match.items()})
        for echo in form.echoes
    )


def _is(found: Any, text: str) -> bool:
    return found is not None and not isinstance(found, dict | list) and as_text(found) == text
