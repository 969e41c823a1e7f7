"""Questions: one request, one object, its values."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from connectors.contract import Answer, Ask, Question
from connectors.errors import BadRecord, ConfigProblem
from connectors.manifest.exchange import Refused
from connectors.manifest.forms import QuestionForm
from connectors.manifest.paths import at
from connectors.manifest.shapes import Field as FieldForm
from connectors.manifest.shapes import Shape, convert
from connectors.manifest.templates import as_text, lookup

_PLACE = re.compile(r"\{([\w.]+)\}")
_TIME = FieldForm(type="datetime")


class Answering:
    """What a connector with `questions` can do beside the rest."""

    manifest: Any
    values: Mapping[str, Any]
    ask: Any
    """(request, values, *, deadline_s=None, effect=False) -> Reply"""

    def questions(self) -> Sequence[Question]:
        return tuple(
            Question(name=name, needs=form.needs, title=form.title, title_zh=form.title_zh, record=form.record)
            for name, form in self.manifest.questions.items()
        )

    def lookup(self, ask: Ask) -> Answer | None:
        """The answer, None when the system knows nothing of it. Raises BadRecord for a missing input."""
        form = self.manifest.questions.get(ask.question)
        if form is None:
            known = ", ".join(self.manifest.questions)
            raise ConfigProblem(f"question {ask.question!r} is not answered here", hint=f"questions: {known}")
        for name in form.needs:
            if ask.inputs.get(name) in (None, ""):
                raise BadRecord(f"the input {name} is missing", record=dict(ask.inputs))
        values = {**self.values, "input": {name: ask.inputs[name] for name in form.needs}}
        try:
            body = self.ask(form.request, values, deadline_s=ask.deadline_s).body
        except Refused as no:
            if no.status == 404:
                return None
            raise ConfigProblem(f"{ask.question}: {no.status} {no.reason}", hint="does the manifest fit?") from None
        return answer_of(form, body, values)


def answer_of(form: QuestionForm, body: Any, values: Mapping[str, Any]) -> Answer | None:
    """What an answer's body tells. Raises ConfigProblem when it does not fit its fields."""
    found = at(body, form.result)
    if isinstance(found, list):
        found = found[0] if found else None
    if not found:
        return None
    if not isinstance(found, Mapping):
        raise ConfigProblem(f"there is no object at {form.result or 'the top'} of the answer", hint="see `result`")
    shape = Shape(form.values, zone=form.zone)
    try:
        told = {name: shape.value(name, found) for name in form.values}
        as_of = convert(at(found, form.as_of), _TIME, ZoneInfo(form.zone or "UTC")) if form.as_of else None
    except (BadRecord, ValueError, OverflowError) as error:
        raise ConfigProblem(f"the answer does not fit its values: {error}", hint="see `values`") from None
    key = at(found, form.key) if form.key else lookup(values, f"input.{form.needs[0]}")
    return Answer(told, as_of or datetime.now(UTC), link=link_of(form.link, values), key=as_text(key))


def link_of(template: str, values: Mapping[str, Any]) -> str:
    """An address for people: everything but the settings is quoted."""

    def value(match: re.Match[str]) -> str:
        text = as_text(lookup(values, match[1]))
        return text if match[1].startswith("config.") else quote(text, safe="")

    return _PLACE.sub(value, template)
