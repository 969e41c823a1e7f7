"""Prometheus and Alertmanager as a connector: receives and reads alerts, answers questions, makes silences."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, ClassVar
from urllib.parse import urlsplit

from connectors.contract import (
    Answer,
    Ask,
    Batch,
    Command,
    Cursor,
    Delivery,
    Event,
    Health,
    Operation,
    Outcome,
    Policy,
    Question,
    Receipt,
    Settings,
    Stream,
)
from connectors.errors import Ambiguous, AuthProblem, BadRecord, ConfigProblem, Transient
from connectors.prometheus import silences
from connectors.prometheus.checks import health
from connectors.prometheus.client import HttpApi, Queries, Refused, http_client
from connectors.prometheus.config import PrometheusConfig
from connectors.prometheus.promql import for_device, graph_link, usable_device
from connectors.prometheus.questions import QUESTIONS
from connectors.prometheus.silences import OPERATIONS, Silence, Unfit
from connectors.prometheus.webhook import SCHEMA, STREAM, parse_delivery, record_of_api_alert

_NO_CLOSE = (
    "an alert of Prometheus cannot be closed: while its rule holds, Prometheus sends it again within seconds. "
    "Silence it, or mend its cause"
)
_SILENCES = "/api/v2/silences"


class PrometheusConnector:
    """One Prometheus with its Alertmanager. Safe to use from several threads at once."""

    name: ClassVar[str] = "prometheus"
    title: ClassVar[str] = "Prometheus and Alertmanager"
    title_zh: ClassVar[str] = "Prometheus 与 Alertmanager"
    Config: ClassVar[type[Settings]] = PrometheusConfig
    policy: ClassVar[Policy] = Policy(timeout_s=15, rate_per_s=20)

    def __init__(self, config: PrometheusConfig) -> None:
        self.config = config
        self._http = http_client(config)
        self._alertmanager = HttpApi(config.alertmanager_url, self._http)
        self._prometheus = HttpApi(config.url, self._http)
        self._queries = Queries(config)
        self._webhook_token = config.webhook_token.get_secret_value()
        login = f"{config.webhook_username}:{config.webhook_password.get_secret_value()}"
        self._webhook_login = login if config.webhook_username else ""

    @property
    def namespace(self) -> str:
        return f"prometheus://{urlsplit(self.config.url or self.config.alertmanager_url).netloc or 'webhook'}"

    def check(self) -> Health:
        return health(self.config, self._prometheus, self._alertmanager)

    def close(self) -> None:
        self._queries.close()
        self._http.close()

    # -- coming in ------------------------------------------------------------------------------------------------

    def receive(self, delivery: Delivery) -> Sequence[Event]:
        """Alertmanager's webhook, version 4. Raises AuthProblem, and BadRecord when nothing of it can be used."""
        if not delivery.verified:
            self._admit(delivery)
        return parse_delivery(delivery.body)

    def _admit(self, delivery: Delivery) -> None:
        token, login = self._webhook_token, self._webhook_login
        if not token and not login:
            raise AuthProblem(
                "no secret is set for messages coming in", hint="set webhook_token, or webhook_username and _password"
            )
        scheme, _, given = delivery.headers.get("authorization", "").partition(" ")
        if token and (
            _same(given.strip() if scheme.lower() == "bearer" else "", token) | _same(delivery.path_token, token)
        ):
            return
        if login and scheme.lower() == "basic" and _same(_from_base64(given.strip()), login):
            return
        raise AuthProblem("the sender's secret is missing or wrong", hint="see `http_config` in the connector's README")

    def streams(self) -> Sequence[Stream]:
        if not self.config.alertmanager_url:
            return ()
        return (Stream(name=STREAM, key=("fingerprint",), schema_=SCHEMA, mode="snapshot", deletes="absence"),)

    def read(self, stream: Stream, cursor: Cursor) -> Iterator[Batch]:
        """All alerts that fire now, silenced and inhibited ones too: an alert that is absent has been resolved."""
        if stream.name != STREAM:
            raise ConfigProblem(f"there is no stream {stream.name!r}", hint=f"the only one is {STREAM!r}")
        answer = self._ask_alertmanager("/api/v2/alerts")
        if not isinstance(answer, list):
            raise ConfigProblem(f"Alertmanager answered with {type(answer).__name__}, expected a list of alerts")
        size = self.policy.batch_rows
        for start in range(0, len(answer) or 1, size):
            records, bad = [], []
            for alert in answer[start : start + size]:
                try:
                    records.append(record_of_api_alert(alert, self.config.alertmanager_url))
                except BadRecord as problem:
                    bad.append(problem)
            yield Batch(records, cursor=None, bad=bad)

    # -- context --------------------------------------------------------------------------------------------------

    def questions(self) -> Sequence[Question]:
        return tuple(asked.question for asked in QUESTIONS.values()) if self.config.url else ()

    def lookup(self, ask: Ask) -> Answer | None:
        asked = QUESTIONS.get(ask.question)
        if asked is None or not self.config.url:
            known = ", ".join(q.name for q in self.questions()) or "none, as `url` is not set"
            raise ConfigProblem(f"question {ask.question!r} is not answered here", hint=f"questions: {known}")
        device = usable_device(ask.inputs.get("device"))
        if ask.deadline_s <= 0:
            raise Transient("no time left to ask Prometheus")
        query = for_device(asked.queries(self.config), self.config.device_labels, device)
        answer = asked.answer(self._queries.ask(query, min(ask.deadline_s, self.config.timeout_s)))
        if answer is None:
            return None
        return replace(answer, link=graph_link(self.config.url, query), key=device)

    # -- going out ------------------------------------------------------------------------------------------------

    def operations(self) -> Sequence[Operation]:
        return OPERATIONS if self.config.alertmanager_url else ()

    def probe(self, key: Mapping[str, Any]) -> Mapping[str, str]:
        """What is possible for an alert (`labels`) and a ticket's silences (`ticket` or `silence_id`) right now."""
        if not self.config.alertmanager_url:
            return {o.name: "the address of Alertmanager is not set" for o in OPERATIONS}
        try:
            lasting = [s for s in silences.named_by(key, self._ours()) if s.lasts]
            none = "" if lasting else "there is no silence of this ticket that still lasts"
        except Unfit as why:
            none = str(why)
        alert = "" if key.get("labels") else "the labels of the alert are not known"
        return {"silence": alert, "extend_silence": none, "expire_silence": none}

    def write(self, command: Command) -> Receipt:
        """One silence made, extended or ended. A silence that carries the command's mark already is a duplicate."""
        if not self.config.alertmanager_url:
            ended = command.op == "expire_silence"  # there is none: nothing is left to do
            outcome = Outcome.duplicate if ended else Outcome.rejected
            return Receipt(command.id, outcome, reason="the address of Alertmanager is not set")
        try:
            match command.op:
                case "silence":
                    return self._silence(command)
                case "extend_silence":
                    return self._extend(command)
                case "expire_silence":
                    return self._expire(command)
        except Unfit as why:
            return Receipt(command.id, Outcome.rejected, reason=str(why))
        except Refused as error:
            return Receipt(command.id, Outcome.rejected, reason=f"Alertmanager: {error.reason}")
        names = ", ".join(o.name for o in self.operations())
        reason = _NO_CLOSE if command.op in ("close", "resolve") else f"no operation {command.op!r}; there are: {names}"
        return Receipt(command.id, Outcome.rejected, reason=reason)

    def confirm(self, command: Command) -> Receipt | None:
        """Whether a command has had its effect, from the marks in our silences; None: it has not."""
        mine = self._ours()
        if command.op == "silence":
            done = [s for s in mine if s.carries(command)]
            return self._receipt(command, Outcome.applied, done[0]) if done else None
        try:
            named = silences.named_by(command.key, mine)
        except Unfit:
            return None
        lasting = [s for s in named if s.lasts]
        if command.op == "extend_silence" and lasting and all(s.carries(command) for s in lasting):
            return self._receipt(command, Outcome.applied, lasting[0])
        if command.op == "expire_silence" and not lasting:
            return self._receipt(command, Outcome.applied, named[0] if named else None)
        return None

    def _silence(self, command: Command) -> Receipt:
        now = datetime.now(UTC)
        body = silences.new_silence(command, self.config, now)
        wanted = silences.matchers_of(command, self.config)
        for silence in self._ours():
            if silence.carries(command):
                return self._receipt(command, Outcome.duplicate, silence)
            if silence.lasts and silence.matchers == wanted and command.body["ticket"] in silence.tickets:
                body = silences.longer(silence, command, self.config, now)
        return self._post(command, body)

    def _extend(self, command: Command) -> Receipt:
        now = datetime.now(UTC)
        silences.end_of(command, self.config, now)
        lasting = [s for s in silences.named_by(command.key, self._ours()) if s.lasts]
        if not lasting:
            return Receipt(
                command.id, Outcome.rejected, reason="no silence of this ticket lasts any more: make a new one"
            )
        receipt = self._receipt(command, Outcome.duplicate, lasting[0])
        for silence in lasting:
            if not silence.carries(command):
                receipt = self._post(command, silences.longer(silence, command, self.config, now))
        return receipt

    def _expire(self, command: Command) -> Receipt:
        named = silences.named_by(command.key, self._ours())
        lasting = [s for s in named if s.lasts]
        for silence in lasting:
            try:
                self._alertmanager.write("DELETE", f"/api/v2/silence/{silence.id}")
            except Refused as error:
                if error.status != 404 and "not found" not in error.reason:
                    raise
        outcome = Outcome.applied if lasting else Outcome.duplicate
        return self._receipt(command, outcome, next(iter(lasting or named), None))

    def _post(self, command: Command, body: Mapping[str, Any]) -> Receipt:
        answer = self._alertmanager.write("POST", _SILENCES, body)
        silence_id = answer.get("silenceID") if isinstance(answer, dict) else None
        if not isinstance(silence_id, str):
            raise Ambiguous("Alertmanager did not name the silence it made")
        values = {"silence_id": silence_id, "ends_at": body["endsAt"], "link": self._link(silence_id)}
        return Receipt(command.id, Outcome.applied, external_id=silence_id, values=values)

    def _receipt(self, command: Command, outcome: Outcome, silence: Silence | None) -> Receipt:
        if silence is None:
            return Receipt(command.id, outcome, reason="there was no silence of this ticket")
        values = {"silence_id": silence.id, "ends_at": silence.ends_at.isoformat(), "link": self._link(silence.id)}
        return Receipt(command.id, outcome, external_id=silence.id, values=values)

    def _link(self, silence_id: str) -> str:
        return f"{self.config.alertmanager_url}/#/silences/{silence_id}"

    def _ours(self) -> list[Silence]:
        return silences.ours(self._ask_alertmanager(_SILENCES), self.config)

    def _ask_alertmanager(self, path: str) -> Any:
        if not self.config.alertmanager_url:
            raise ConfigProblem(
                "alertmanager_url is not set", hint="write the address of Alertmanager into the settings"
            )
        try:
            return self._alertmanager.read(path)
        except Refused as error:
            hint = "is `alertmanager_url` right? Alertmanager 0.16 or newer is needed"
            raise ConfigProblem(
                f"GET {self.config.alertmanager_url}{path}: {error.status} {error.reason}", hint=hint
            ) from error


def _same(given: str, secret: str) -> bool:
    """Compared in a time that does not tell how much of it is right."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), secret.encode())


def _from_base64(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode("utf-8", "replace")
    except binascii.Error:
        return ""
