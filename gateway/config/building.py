"""From the documents of the configuration to the hub that runs, or to every problem they have."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from collections.abc import Mapping as MappingABC
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from connectors.contract import Connector, Settings
from connectors.errors import ConnectorError, InvalidConfig
from connectors.registry import Catalogue
from connectors.runtime import Connection as Runtime
from connectors.settings import config_schema, parse_config
from gateway import metrics
from gateway.automation.rules import (
    Formula,
    FormulasOf,
    compile_bridges,
    compile_checks,
    compile_questions,
    compile_rules,
)
from gateway.automation.specs import Bridge, Check, ContextQuestion, Defaults, Rule
from gateway.config import secret_fields, yaml12
from gateway.config.documents import ConnectionSpec
from gateway.config.hub import HUB, Hub, Live
from gateway.config.manifests import problems_of
from gateway.config.provided import builtin_questions, builtin_rules, defaults_of, library_of, load_streams
from gateway.config.syncs import SyncSpec
from gateway.errors import BadConfiguration, Problem
from gateway.policies import build as build_policies
from gateway.policies.rights import unknown_roles
from gateway.secrets import Vault
from gateway.telemetry.tally import Tally
from mappings import Mapping, MappingError, load_mapping
from mappings import Problem as MappingProblem
from mappings.suggestions import among

T = TypeVar("T")


@dataclass
class Builder:
    """Builds a Hub. `strict`: any problem refuses all (apply); else a broken connection is listed and the rest works."""

    catalogue: Catalogue
    vault: Vault
    strict: bool
    running: MappingABC[str, Live] = field(default_factory=dict)
    """What runs now: a connection that stays as it is goes on with its state, its breaker and its subscription."""
    quiet: bool = False
    """It will only be looked at: its connections count nothing."""
    problems: list[Problem] = field(default_factory=list)

    def build(
        self,
        generation: int,
        connections: Sequence[ConnectionSpec],
        mappings: Sequence[dict[str, Any]],
        rules: Sequence[Rule] | None,
        bridges: Sequence[Bridge],
        policies: Sequence[dict[str, Any]] = (),
        syncs: Sequence[SyncSpec] = (),
    ) -> Hub:
        """Raises BadConfiguration with every problem there is."""
        own = self._mappings(mappings)
        self._check_codes(connections)
        live = {spec.id: self._connection(n, spec, own) for n, spec in enumerate(connections)}
        unsound = {spec.connector for spec in connections if problems_of_manifest(self.catalogue, spec.connector)}
        names = sorted({s.connector for s in connections} - unsound)
        used = [self.catalogue.good[c] for c in names if c in self.catalogue.good]
        defaults = {connector.name: defaults_of(connector) for connector in used}
        own_rules = [r for d in defaults.values() for r in d.rules]
        all_rules = [*own_rules, *builtin_rules()] if rules is None else list(rules)
        own_ids = {b.id for b in bridges}
        specs: list[tuple[Bridge, str | None]] = [
            (b, name) for name, d in defaults.items() for b in d.bridges if b.id not in own_ids
        ]
        specs += [(b, None) for b in bridges]
        ruleset = self._or_problems(lambda: compile_rules(all_rules))
        compiled = self._or_problems(lambda: compile_bridges(specs, self._formulas(connections, own)))
        asked = self._or_problems(lambda: compile_questions(self._questions(connections, defaults)))
        checks = self._or_problems(lambda: compile_checks(_checks(connections, defaults)))
        moved = self._or_problems(lambda: build_policies(policies))
        self.problems += unknown_roles(moved, connections, bridges)
        if self.strict:
            for n, sync in enumerate(syncs):
                found = _problem_of_sync(sync, live.get(sync.connection), sorted(live))
                self.problems += [replace(p, path=f"syncs[{n}].{p.path}") for p in found]
        if self.problems:
            raise BadConfiguration("The configuration has problems; nothing was changed.", self.problems)
        assert moved is not None
        assert checks is not None
        assert ruleset is not None
        assert compiled is not None
        assert asked is not None
        internal = Live(HUB, HUB, ConnectionSpec(id=HUB, connector=HUB), None, load_streams("mappings.hub"))
        return Hub(
            generation,
            live,
            ruleset,
            compiled,
            asked,
            internal,
            checks,
            rules is None,
            tuple(specs),
            catalogue=self.catalogue,
            policies=moved,
            syncs={(spec.connection, spec.stream): spec for spec in syncs},
        )

    def _questions(
        self, connections: Sequence[ConnectionSpec], defaults: MappingABC[str, Defaults]
    ) -> list[tuple[ContextQuestion, str]]:
        asked = [
            (question, spec.id)
            for spec in connections
            if spec.enabled and spec.connector in defaults
            for question in (defaults[spec.connector].context if spec.context is None else spec.context)
        ]
        return [*asked, *((question, HUB) for question in builtin_questions())]

    def _formulas(self, connections: Sequence[ConnectionSpec], own: MappingABC[str, Mapping]) -> FormulasOf:
        """A bridge names a mapping of the hub's own, or of the connector it writes to; where that is whichever the
        ticket came from, of any that is used."""
        kinds = {spec.id: spec.connector for spec in connections}

        def known(bridge: Bridge, origin: str | None) -> dict[str, Formula]:
            target = bridge.connector or kinds.get(bridge.connection or "") or origin
            wanted = [target] if target else sorted(set(kinds.values()))
            found = {
                mapping.name: Formula(mapping, of_library=True)
                for name in wanted
                if name in self.catalogue.good and not problems_of_manifest(self.catalogue, name)
                for mapping in library_of(self.catalogue.good[name]).values()
            }
            return found | {name: Formula(mapping, of_library=False) for name, mapping in own.items()}

        return known

    def _check_codes(self, connections: Sequence[ConnectionSpec]) -> None:
        """Codes are those of a connection that is there, and that uses codes of its own."""
        specs = {spec.id: spec for spec in connections}
        for n, spec in enumerate(connections):
            for thing, other in spec.codes.items():
                path = f"connections[{n}].codes.{thing}"
                if other not in specs:
                    hint = among(other, sorted(specs.keys() - {spec.id}))
                    self.problems.append(Problem(path, f"there is no connection {other!r}", hint))
                elif other == spec.id:
                    self.problems.append(Problem(path, "is the connection itself", "leave it out"))
                elif whose := specs[other].codes.get(thing):
                    self.problems.append(Problem(path, f"{other!r} uses the codes of {whose!r}", f"write {whose!r}"))

    def _mappings(self, documents: Sequence[dict[str, Any]]) -> dict[str, Mapping]:
        own: dict[str, Mapping] = {}
        for n, document in enumerate(documents):
            try:
                mapping = load_mapping(text_of(document), origin=f"mappings[{n}]")
            except MappingError as error:
                self.problems += [_in_mapping(n, document, p) for p in error.problems]
                continue
            if mapping.name != document.get("mapping"):
                hint = f"write the same name beside `text`: mapping: {mapping.name}"
                self.problems.append(Problem(f"mappings[{n}].text", f"it calls itself {mapping.name!r}", hint))
            failures = mapping.check()
            self.problems += [Problem(f"mappings[{n}].tests", str(f), "mend the mapping or the test") for f in failures]
            own[mapping.name] = mapping
        return own

    def _connection(self, n: int, spec: ConnectionSpec, own: MappingABC[str, Mapping]) -> Live:
        path = f"connections[{n}]"
        kind = self.catalogue.good.get(spec.connector)
        if spec.id == HUB:
            self.problems.append(Problem(f"{path}.id", "'hub' is the hub's own name", "choose another id"))
        if kind is None:
            near = difflib.get_close_matches(spec.connector, self.catalogue.good, n=1)
            reason = self.catalogue.broken.get(spec.connector, "no such connector is installed")
            hint = f"did you mean {near[0]!r}?" if near else "installed: " + ", ".join(sorted(self.catalogue.good))
            return self._broken(spec, [Problem(f"{path}.connector", reason, hint)])
        if unsound := problems_of_manifest(self.catalogue, spec.connector):
            return self._broken(spec, [Problem(f"{path}.connector: {p.path}", p.message, p.hint) for p in unsound])
        try:
            streams = library_of(kind)
        except MappingError as error:
            found = [Problem(f"{path}.connector", f"{p.path}: {p.message}", p.hint) for p in error.problems]
            return self._broken(spec, found)
        for stream, name in spec.mappings.items():
            if name not in own:
                hint = "defined: " + ", ".join(sorted(own)) if own else "define it under `mappings:`"
                return self._broken(spec, [Problem(f"{path}.mappings.{stream}", f"there is no mapping {name!r}", hint)])
            streams[stream] = own[name]
        try:
            secrets = config_schema(kind).secrets
            plain = secret_fields.change(spec.config, secrets, lambda v, at: self.vault.reveal(v, f"{path}.{at}"))
            config = parse_config(kind, plain)
            old = self.running.get(spec.id)
            if old is not None and _same(old, spec, kind, config, streams):
                return old
            # a built connector holds no open connection until it is used, so building costs nothing
            tally = Tally()
            listener = None if self.quiet else metrics.Calls(tally)
            runtime = Runtime.make(spec.id, kind, config, listener=listener)
        except BadConfiguration as error:
            return self._broken(spec, error.problems)
        except InvalidConfig as error:
            found = [Problem(f"{path}.config.{p.path}", p.message, p.hint) for p in error.problems]
            return self._broken(spec, found)
        except ConnectorError as error:
            return self._broken(spec, [Problem(f"{path}.config", str(error), error.hint)])
        return Live(spec.id, spec.connector, spec, runtime, streams, config=config, tally=tally)

    def _broken(self, spec: ConnectionSpec, problems: list[Problem]) -> Live:
        if self.strict:
            self.problems += problems
        reason = "; ".join(f"{p.path}: {p.message}" + (f" ({p.hint})" if p.hint else "") for p in problems)
        return Live(spec.id, spec.connector, spec, None, {}, broken=reason)

    def _or_problems(self, make: Callable[[], T]) -> T | None:
        try:
            return make()
        except BadConfiguration as error:
            self.problems += error.problems
            return None


def text_of(document: MappingABC[str, Any]) -> str:
    """A mapping of the configuration as YAML: as it was written (`text`), or what its parts say."""
    written = document.get("text")
    return written if isinstance(written, str) else yaml12.dump(document)


def _in_mapping(n: int, document: MappingABC[str, Any], p: MappingProblem) -> Problem:
    """Where a mapping was given as it was written, line and column help; else they are not the writer's."""
    place = f"line {p.line}, column {p.column}: " if "text" in document else ""
    return Problem(f"mappings[{n}].{p.path}".rstrip("."), place + p.message, p.hint)


def _checks(connections: Sequence[ConnectionSpec], defaults: MappingABC[str, Defaults]) -> list[tuple[Check, str]]:
    return [
        (check, spec.id)
        for spec in connections
        if spec.enabled and spec.connector in defaults
        for check in (defaults[spec.connector].checks if spec.checks is None else spec.checks)
    ]


def _problem_of_sync(sync: SyncSpec, live: Live | None, known: Sequence[str]) -> list[Problem]:
    """Why a stream cannot be read as it is written; of a connection that is broken nothing more can be said."""
    if live is None:
        return [Problem("connection", f"there is no connection {sync.connection!r}", among(sync.connection, known))]
    if live.runtime is None:
        return []
    try:
        streams = {stream.name: stream for stream in live.streams}
    except ConnectorError as error:
        return [Problem("stream", f"the streams of {live.id!r} cannot be listed: {error}", error.hint)]
    stream = streams.get(sync.stream)
    if stream is None:
        return [Problem("stream", f"{live.id!r} has no stream {sync.stream!r}", among(sync.stream, sorted(streams)))]
    mapping = live.mappings.get(stream.name)
    if mapping is None or mapping.target in ("Alert", "Reading", "Ticket"):
        hint = "alerts are read by `poll_every_s`" if mapping is not None else "give it a mapping first"
        return [Problem("stream", f"{stream.name!r} becomes no record that the hub keeps", hint)]
    if sync.partitions is None:
        return []
    if not callable(getattr(live.connector, "read_part", None)):
        return [Problem("partitions", f"{live.spec.connector!r} reads its streams only as a whole", "leave it out")]
    if stream.deletes == "absence" and sync.partitions.by not in stream.key:
        why = "a record that moves from part to part while they are read would seem deleted"
        return [Problem("partitions.by", why, "divide by a field of the key: " + ", ".join(stream.key))]
    return []


def _same(
    old: Live, spec: ConnectionSpec, kind: type[Connector], config: Settings, streams: MappingABC[str, Mapping]
) -> bool:
    """Secrets are compared as they are now, whatever env: and file: held before."""
    versions = {stream: m.version for stream, m in streams.items()}
    return (
        type(old.connector) is kind
        and old.spec == spec
        and old.config == config
        and {stream: m.version for stream, m in old.mappings.items()} == versions
    )


def problems_of_manifest(catalogue: Catalogue, connector: str) -> Sequence[Problem]:
    """Why a connector made of a manifest cannot be used by this hub; nothing for any other."""
    kind = catalogue.good.get(connector)
    return problems_of(kind) if kind is not None and hasattr(kind, "mapping_texts") else ()
