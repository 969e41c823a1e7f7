"""The connector studio over HTTP: drafts, benches, samples, what would change, publishing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import Annotated, Any, Literal, cast

from fastapi import APIRouter, Depends, Response
from fastapi import Request as HttpRequest
from pydantic import AfterValidator, Field

from gateway import clock
from gateway.api.access import REFUSALS, Configurer, GatewayDep
from gateway.api.shapes import Json, Line, Number, Request, answer, storable
from gateway.config import differences, store
from gateway.config.documents import Documents
from gateway.config.hub import Hub, Live
from gateway.config.provided import library_of
from gateway.errors import BadConfiguration, Conflict, NotFound, Problem
from gateway.service import Gateway
from gateway.studio import bench, drafts, jobs, rule_bench, samples, scaffold
from gateway.studio.comparing import Limits
from gateway.studio.drafts import Draft
from gateway.studio.jobs import Job, Jobs
from gateway.studio.language import language
from mappings import RECORDS, MappingError
from mappings.suggestions import among

router = APIRouter(prefix="/v1/studio", tags=["studio"], responses=REFUSALS)
Written = Annotated[str, Field(max_length=262_144), AfterValidator(storable)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,127}$")]
DraftId = Annotated[str, Field(max_length=26)]


def jobs_of(request: HttpRequest) -> Jobs:
    return cast(Jobs, request.app.state.jobs)


JobsDep = Annotated[Jobs, Depends(jobs_of)]


class Body(Request):
    """What is written so far; none of it need be right yet."""

    connections: list[Json] = Field(
        [], max_length=50, description="as in the configuration; secrets as ******** keep their value"
    )
    mappings: dict[Name, Written] = Field({}, max_length=100, description="name: YAML")
    rules: Written | None = Field(None, description="YAML, a list; null: the rules stay as they are")
    bridges: Written | None = Field(None, description="YAML, a list; null: the bridges stay as they are")


class NewDraft(Request):
    title: Annotated[Line, Field(min_length=1)]
    body: Body = Body()


class ChangedDraft(NewDraft):
    version: Annotated[int, Field(ge=1)]


class Publish(Request):
    note: Line = ""
    overwrite: bool = Field(False, description="even what others changed since the draft was begun")


class Compare(Request):
    days: float = Field(7, gt=0, le=90)
    messages: int = Field(200_000, ge=1, le=1_000_000)
    seconds: float = Field(300, gt=0, le=1_800)


class Try(Request):
    text: Written
    sample: Written = "{}"


class Sampling(Request):
    connection: Line
    stream: Line
    source: Literal["live", "recorded", "dead"] = "live"
    limit: Annotated[int, Field(ge=1, le=50)] = 5


class TryRules(Request):
    connection: Line | None = None
    stream: Line | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    before: Number | None = None


class Start(Request):
    connection: Line
    stream: Line
    target: Line | None = Field(None, description="canonical record; default: a copy of the mapping that runs")
    sample: Written = "{}"


class NewTest(Try):
    """The sample, and what the mapping makes of it, become a test of the mapping."""


# -- drafts -----------------------------------------------------------------------------------------------------------


@router.get("/drafts")
def list_drafts(gateway: GatewayDep, who: Configurer) -> Response:
    """Your own."""
    with gateway.reading() as conn:
        found = drafts.listed(conn, who.actor)
    return answer({"items": [_draft(d, gateway) for d in found], "next_cursor": None})


@router.post("/drafts", status_code=201)
def create_draft(gateway: GatewayDep, who: Configurer, given: NewDraft) -> Response:
    """Begin a draft."""
    body = given.body.model_dump()
    made = gateway.transact(
        lambda conn: drafts.create(conn, who.actor, given.title, body, gateway.catalogue, gateway.vault, clock.now())
    )
    return answer(_draft(made, gateway), 201)


@router.get("/drafts/{draft}")
def read_draft(gateway: GatewayDep, who: Configurer, draft: DraftId) -> Response:
    return answer(_draft(_mine(gateway, who.actor, draft), gateway))


@router.put("/drafts/{draft}")
def change_draft(gateway: GatewayDep, who: Configurer, draft: DraftId, given: ChangedDraft) -> Response:
    """Write it anew; 409 when it was changed elsewhere meanwhile."""
    body = given.body.model_dump()
    made = gateway.transact(
        lambda conn: drafts.change(
            conn, who.actor, draft, given.title, body, given.version, gateway.catalogue, gateway.vault, clock.now()
        )
    )
    return answer(_draft(made, gateway))


@router.delete("/drafts/{draft}", status_code=204)
def delete_draft(gateway: GatewayDep, who: Configurer, draft: DraftId) -> Response:
    gateway.transact(lambda conn: drafts.remove(conn, who.actor, draft))
    return Response(status_code=204)


@router.post("/drafts/{draft}/review")
def review(gateway: GatewayDep, who: Configurer, draft: DraftId) -> Response:
    """What publishing would change, item by item; or every problem, with its place. Also what others changed since."""
    found = _mine(gateway, who.actor, draft)
    try:
        changes, hub = gateway.plan(drafts.document(found.body))
    except BadConfiguration as error:
        return answer({"problems": drafts.named(error.problems, found.body), "changes": [], "overtaken": []})
    with gateway.reading() as conn:
        before, overtaken = store.stored(conn), drafts.overtaken(conn, found)
    shown = differences.told(changes, before, _after(before, found), gateway.catalogue)
    _close(hub)
    return answer({"problems": [], "changes": shown, "overtaken": overtaken})


@router.post("/drafts/{draft}/publish")
def publish(gateway: GatewayDep, who: Configurer, draft: DraftId, given: Publish) -> Response:
    """Put it into force, whole or not at all; then the draft is gone. 409 with what others changed since it was begun."""
    found = _mine(gateway, who.actor, draft)
    with gateway.reading() as conn:
        overtaken = drafts.overtaken(conn, found)
    if overtaken and not given.overwrite:
        raise Conflict(
            "Others changed this since the draft was begun: " + ", ".join(overtaken) + ".", overtaken=overtaken
        )
    note = given.note or found.title
    try:
        changes = gateway.apply(drafts.document(found.body), actor=who.actor, note=note)
    except BadConfiguration as error:
        told = drafts.named(error.problems, found.body)
        flat = [Problem(" ".join(filter(None, (p["part"], p["path"]))), p["message"], p["hint"]) for p in told]
        raise BadConfiguration(error.detail, flat, parts=told) from None
    gateway.transact(lambda conn: drafts.remove(conn, who.actor, draft))
    told = [
        {"kind": c.kind, "id": c.id, "what": c.what, "fields": list(c.fields)} for c in changes if c.what != "unchanged"
    ]
    return answer({"generation": gateway.hub.generation, "changes": told})


# -- a connection of a draft ------------------------------------------------------------------------------------------


@router.post("/drafts/{draft}/connections/{connection}/check")
def check(gateway: GatewayDep, who: Configurer, draft: DraftId, connection: Line) -> Response:
    """Log in for real with what the draft says, changing nothing: does it work, which rights are missing, where they are
    granted."""
    with _connected(gateway, who.actor, draft, connection) as live:
        assert live.runtime is not None
        return answer(live.runtime.check().model_dump(mode="json"))


@router.get("/drafts/{draft}/connections/{connection}/streams")
def streams(gateway: GatewayDep, who: Configurer, draft: DraftId, connection: Line) -> Response:
    """What can be read from it or comes from it, and what each stream becomes."""
    with _connected(gateway, who.actor, draft, connection) as live:
        assert live.runtime is not None
        read = live.runtime.streams() if "reads" in live.can else ()
        told = {s.name: {"name": s.name, "key": list(s.key), "mode": s.mode, "deletes": s.deletes, "schema": s.schema_}
                for s in read}  # fmt: skip
        for name in live.mappings:
            told.setdefault(name, {"name": name, "key": [], "mode": "", "deletes": "", "schema": {}})
        return answer({"items": [
            each | {"reads": bool(each["mode"]),
                    "mapping": live.mappings[name].name if name in live.mappings else None,
                    "becomes": live.mappings[name].target if name in live.mappings else None}
            for name, each in told.items()
        ]})  # fmt: skip


@router.post("/drafts/{draft}/samples")
def take_samples(gateway: GatewayDep, who: Configurer, draft: DraftId, given: Sampling) -> Response:
    """A few records of a stream: read now, of those that were recorded, or of its dead letters. Their text is YAML, exact."""
    with _connected(gateway, who.actor, draft, given.connection) as live:
        if given.source == "live":
            found = samples.of_stream(live, given.stream, given.limit)
        else:
            with gateway.reading() as conn:
                found = samples.recorded(conn, live, given.stream, given.limit, dead=given.source == "dead")
    items = [
        asdict(s) | {"message": None if s.message is None else str(s.message), "at": clock.rfc3339(s.at)} for s in found
    ]
    return answer({"items": items})


@router.post("/drafts/{draft}/start")
def start(gateway: GatewayDep, who: Configurer, draft: DraftId, given: Start) -> Response:
    """The text a mapping of a stream begins with: the one that runs under a name of its own, or a new one to `target`."""
    with _connected(gateway, who.actor, draft, given.connection) as live:
        name = f"{given.connection}_{given.stream}".replace("-", "_").replace(".", "_")
        if given.target is None:
            running = _running(gateway, live, given.stream)
            text = running.text.replace(f"mapping: {running.name}", f"mapping: {name}", 1)
        elif given.target not in RECORDS:
            hint = among(given.target, RECORDS)
            raise BadConfiguration("There is no such record.", [Problem("target", f"unknown {given.target!r}", hint)])
        else:
            record = _parsed(given.sample)
            text = scaffold.scaffold(name, live.spec.connector, given.stream, given.target, record)
    return answer({"name": name, "text": text})


# -- benches ----------------------------------------------------------------------------------------------------------


@router.get("/language")
def read_language(_: Configurer) -> Response:
    """What an editor completes and explains: functions, records and their fields, names in rules."""
    return answer(language())


@router.post("/mappings/try")
def try_mapping(_: Configurer, given: Try) -> Response:
    """A draft of a mapping on one record: problems with line and column, the result, how each value came about, and the
    field graph. Nothing is stored."""
    return answer(bench.try_mapping(given.text, given.sample))


@router.post("/mappings/test")
def add_test(_: Configurer, given: NewTest) -> Response:
    """The mapping's text with the sample and its result as one more test."""
    made = bench.try_mapping(given.text, given.sample)
    result = made["result"]
    if result is None or result["end"] != "mapped":
        raise BadConfiguration("Only a record that is mapped makes a test.",
                               [Problem("sample", "the mapping gives no result for it", "mend the mapping first")])  # fmt: skip
    return answer({"text": scaffold.with_test(given.text, _parsed(given.sample), result["values"])})


@router.post("/drafts/{draft}/rules/try")
def try_rules(gateway: GatewayDep, who: Configurer, draft: DraftId, given: TryRules) -> Response:
    """Recorded messages through the draft's mappings and rules, one by one, with the trace of each decision."""
    found = _mine(gateway, who.actor, draft)
    try:
        _, hub = gateway.plan(drafts.document(found.body))
    except BadConfiguration as error:
        return answer({"problems": drafts.named(error.problems, found.body), "items": []})
    with gateway.reading() as conn:
        told = rule_bench.try_rules(
            conn,
            gateway.hub,
            hub,
            connection=given.connection,
            stream=given.stream,
            limit=given.limit,
            before=given.before,
        )
    _close(hub)
    return answer({"problems": [], "items": told})


# -- what would change ------------------------------------------------------------------------------------------------


@router.post("/drafts/{draft}/comparisons", status_code=202)
def compare(gateway: GatewayDep, who: Configurer, running: JobsDep, draft: DraftId, given: Compare) -> Response:
    """Play the messages of the last days through the draft, without effects: which tickets would appear, vanish or change."""
    found = _mine(gateway, who.actor, draft)
    limits = Limits(messages=given.messages, seconds=given.seconds)
    try:
        job_id = running.begin(who.actor, found.title, drafts.document(found.body), given.days, limits)
    except BadConfiguration as error:
        raise BadConfiguration(error.detail, error.problems, parts=drafts.named(error.problems, found.body)) from None
    with gateway.reading() as conn:
        return answer(_job(jobs.get(conn, who.actor, job_id, clock.now())), 202)


@router.get("/comparisons")
def list_comparisons(gateway: GatewayDep, who: Configurer) -> Response:
    """Your own, the latest first."""
    with gateway.reading() as conn:
        return answer({"items": [_job(j) for j in jobs.listed(conn, who.actor, clock.now())], "next_cursor": None})


@router.get("/comparisons/{job}")
def read_comparison(gateway: GatewayDep, who: Configurer, job: DraftId) -> Response:
    """How far it is, and, once it ended, its report."""
    with gateway.reading() as conn:
        return answer(_job(jobs.get(conn, who.actor, job, clock.now())))


@router.post("/comparisons/{job}/cancel")
def cancel_comparison(gateway: GatewayDep, who: Configurer, job: DraftId) -> Response:
    """Stop it; its report tells what was found until then."""
    gateway.transact(lambda conn: jobs.cancel(conn, who.actor, job))
    with gateway.reading() as conn:
        return answer(_job(jobs.get(conn, who.actor, job, clock.now())))


# -- shared -----------------------------------------------------------------------------------------------------------


def _mine(gateway: Gateway, owner: str, draft: str) -> Draft:
    with gateway.reading() as conn:
        return drafts.get(conn, owner, draft)


@contextmanager
def _connected(gateway: Gateway, owner: str, draft: str, connection: str) -> Iterator[Live]:
    """A connection as the draft has it, or as it runs; closed again. Raises NotFound, BadConfiguration."""
    found = _mine(gateway, owner, draft)
    documents = drafts.only_connection(found.body, connection)
    if not documents.connections:
        live = gateway.hub.connection(connection)
        if live.runtime is None:
            raise Conflict(f"Connection {connection!r} cannot work: {live.broken}")
        yield live
        return
    try:
        _, hub = gateway.plan(documents)
    except BadConfiguration as error:
        own = [p for p in drafts.named(error.problems, found.body) if p["part"] == f"connection {connection}"]
        problems = [replace(p, path=p.path.partition("].")[2] or p.path) for p in error.problems]
        raise BadConfiguration("The connection's settings have problems.", problems, parts=own) from None
    try:
        yield hub.connection(connection)
    finally:
        _close(hub, but=gateway.hub)


def _close(hub: Hub, but: Hub | None = None) -> None:
    """A plan's connections are nobody's."""
    for live in hub.connections.values():
        if live.runtime is not None and (but is None or but.connections.get(live.id) is not live):
            live.runtime.close()


def _running(gateway: Gateway, live: Live, stream: str) -> Any:
    running = gateway.hub.connections.get(live.id)
    found = (running.mappings.get(stream) if running is not None else None) or live.mappings.get(stream)
    if found is None:
        kind = gateway.catalogue.good[live.spec.connector]
        known = ", ".join(sorted(library_of(kind))) or "none"
        raise NotFound(f"Stream {stream!r} has no mapping yet; give a `target`. Mapped are: {known}.")
    return found


def _parsed(sample: str) -> dict[str, Any]:
    try:
        return samples.parsed(sample)
    except MappingError as error:
        problems = [Problem(f"sample: line {p.line}, column {p.column}", p.message, p.hint) for p in error.problems]
        raise BadConfiguration("The sample cannot be read.", problems) from None


def _after(before: dict[str, list[dict[str, Any]]], found: Draft) -> dict[str, list[dict[str, Any]]]:
    documents: Documents = drafts.document(found.body)
    return store.merged(before, documents)


def _draft(d: Draft, gateway: Gateway) -> dict[str, Any]:
    return {"id": d.id, "title": d.title, "body": drafts.shown(d.body, gateway.catalogue), "base": d.base, "version": d.version,
            "made_at": clock.rfc3339(d.made_at), "changed_at": clock.rfc3339(d.changed_at)}  # fmt: skip


def _job(j: Job) -> dict[str, Any]:
    return {"id": j.id, "title": j.title, "state": j.state, "done": j.done, "total": j.total, "error": j.error,
            "asked_at": clock.rfc3339(j.asked_at), "ended_at": clock.rfc3339(j.ended_at), "report": j.report}  # fmt: skip
