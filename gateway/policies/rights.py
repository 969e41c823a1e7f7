"""Who may see and do what with tickets: the policy `rights`."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Annotated, Any, Literal, Protocol

import yaml
from pydantic import Field

from core_tickets.rights import DataKind, Grant, Rights, Role, Vocabulary, words_of
from core_tickets.vocabulary import KINDS as TICKET_KINDS
from core_tickets.vocabulary import STATUSES
from gateway.automation.specs import Name, Spec
from gateway.config import yaml12
from gateway.errors import BadConfiguration, Problem
from gateway.policies.kind import Policies, PolicyKind, Surroundings
from id_registry import KINDS as THINGS
from mappings.suggestions import among

Pattern = Annotated[
    str, Field(max_length=128, pattern=r"^[\w*][\w.*-]*$")
]  # a bound within would take 12 MB to compile


class DataSpec(Spec):
    """A kind of data worth protecting, wherever it stands."""

    names: list[str] = Field([], description="what fields that hold it are called, in any spelling: home_address, 地址")
    but: list[str] = Field([], description="words that make it something else: ip, of ip_address")
    looks: Literal["phone", "email"] | None = Field(None, description="how it is recognised in free text")


class GrantSpec(Spec):
    """What is allowed with some tickets. Lists that are absent ask nothing: any kind, any state, however one stands to
    it."""

    kind: list[str] = []
    state: list[str] = []
    relation: list[Literal["holder", "group", "watcher", "approver", "requester", "other"]] = []
    read: list[Pattern] = Field(
        [], description="fields as the API names them, timeline, history, context.SECTION.FIELD, *"
    )
    masked: list[Pattern] = Field([], description="fields and kinds of data of which only a part is told")
    hidden: list[Pattern] = Field(
        [], description="fields and kinds of data that are not told, although `read` has them"
    )
    do: list[Pattern] = Field([], description="actions; `create` makes tickets; * is all")


class RoleSpec(Spec):
    title: str = ""
    never: list[Pattern] = Field([], description="fields and kinds of data hidden whatever other roles one has")
    things: list[str] = Field([], description="kinds of things whose ids and records may be read: device, customer, *")
    pages: list[str] = Field([], description="what else of the API may be read, by the beginning of its path: /v1/figures; "
                                             "`* /v1/me`: also written")  # fmt: skip
    may: list[GrantSpec] = []


class RightsSpec(Spec):
    """Least privilege: what no grant names is not seen and not done."""

    policy: Literal["rights"]
    without_role: str = Field("", description="the role of a person to whom nobody gave one; empty: sees nothing")
    data: dict[Pattern, DataSpec] = {}
    roles: dict[Name, RoleSpec] = {}


def _compile(spec: RightsSpec) -> Rights:
    problems = list(_problems(spec))
    if problems:
        raise BadConfiguration("The policy rights has problems; nothing was changed.", problems)
    lines = lines_of(text_of(spec))
    vocabulary = Vocabulary(
        tuple(
            DataKind(
                name, tuple(words_of(n) for n in d.names), frozenset(w for b in d.but for w in words_of(b)), d.looks
            )
            for name, d in spec.data.items()
        )
    )
    roles = {name: _role(name, role, lines) for name, role in spec.roles.items()}
    return Rights(roles, vocabulary, spec.without_role)


def _role(name: str, spec: RoleSpec, lines: dict[tuple[Any, ...], int]) -> Role:
    at = ("roles", name)
    grants = tuple(
        Grant(lines.get((*at, "may", n), 0), frozenset(g.kind), frozenset(g.state), frozenset(g.relation), tuple(g.read),
              tuple(g.masked), tuple(g.hidden), tuple(g.do))
        for n, g in enumerate(spec.may)
    )  # fmt: skip
    never = {what: lines.get((*at, "never", n), 0) for n, what in enumerate(spec.never)}
    return Role(name, grants, never, tuple(spec.pages), frozenset(spec.things), lines.get(at, 0))


def _problems(spec: RightsSpec) -> Iterator[Problem]:
    if spec.without_role and spec.without_role not in spec.roles:
        yield Problem(
            "without_role", f"there is no role {spec.without_role!r}", among(spec.without_role, sorted(spec.roles))
        )
    for name, data in spec.data.items():
        if not data.names and data.looks is None:
            yield Problem(f"data.{name}", "can be recognised by nothing", "give `names`, `looks` or both")
        for n, each in enumerate(data.names):
            if not words_of(each):
                yield Problem(f"data.{name}.names[{n}]", f"{each!r} has no word in it", "write it as fields are called")
    for name, role in spec.roles.items():
        for n, thing in enumerate(role.things):
            if thing != "*" and thing not in THINGS:
                yield Problem(f"roles.{name}.things[{n}]", f"there is no kind {thing!r}", among(thing, sorted(THINGS)))
        for n, grant in enumerate(role.may):
            path = f"roles.{name}.may[{n}]"
            yield from _unknown(f"{path}.kind", grant.kind, TICKET_KINDS)
            yield from _unknown(f"{path}.state", grant.state, STATUSES)


def _unknown(path: str, given: Sequence[str], known: Collection[str]) -> Iterator[Problem]:
    for n, each in enumerate(given):
        if each not in known:
            yield Problem(f"{path}[{n}]", f"there is no {each!r}", among(each, sorted(known)))


def _check(spec: RightsSpec, around: Surroundings) -> Sequence[Problem]:
    """Nobody may be left with only roles that the policy does not know."""
    lost = sorted(
        person.id
        for person in around.roster.people.values()
        if person.active and person.roles and person.roles.isdisjoint(spec.roles)
    )
    if not lost:
        return ()
    told = ", ".join(lost[:5]) + (f" and {len(lost) - 5} more" if len(lost) > 5 else "")
    roles = sorted({role for person in lost for role in around.roster.people[person].roles})
    return [Problem("roles", f"{told} would see nothing: none of {', '.join(roles)} is a role here", "add one of them")]


class Bearing(Protocol):
    """A connection or a bridge."""

    @property
    def as_role(self) -> str | None: ...


def unknown_roles(
    policies: Policies | None, connections: Sequence[Bearing], bridges: Sequence[Bearing]
) -> list[Problem]:
    """Connections and bridges that go out as a role which the policy does not have."""
    if policies is None:
        return []
    known = sorted(KIND.of(policies).roles)
    given = [(f"connections[{n}].as_role", each.as_role) for n, each in enumerate(connections)]
    given += [(f"bridges[{n}].as_role", each.as_role) for n, each in enumerate(bridges)]
    return [
        Problem(path, f"the policy rights has no role {role!r}", among(role, known))
        for path, role in given
        if role is not None and role not in known
    ]


def text_of(spec: RightsSpec) -> str:
    """The policy as `weft rights show` prints it, whose lines decisions name."""
    return yaml12.dump(spec.model_dump(mode="json", by_alias=True, exclude_defaults=True))


def lines_of(text: str) -> dict[tuple[Any, ...], int]:
    """The line, from 1, of every place of a YAML document."""
    found: dict[tuple[Any, ...], int] = {}

    def walk(node: Any, at: tuple[Any, ...], line: int) -> None:
        found[at] = line
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                walk(value, (*at, key.value), key.start_mark.line + 1)
        elif isinstance(node, yaml.SequenceNode):
            for n, item in enumerate(node.value):
                walk(item, (*at, n), item.start_mark.line + 1)

    walk(yaml.compose(text, yaml.SafeLoader), (), 1)
    return found


KIND = PolicyKind("rights", RightsSpec, _compile, _check)
