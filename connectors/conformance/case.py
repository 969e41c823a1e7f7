"""What a case of the exam is, and which cases apply to which connector."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeVar

from connectors.conformance.world import Kind, World
from connectors.contract import Probes, capabilities
from connectors.scrub import Scrubber
from connectors.settings import parse_config, secret_values

Grade = Literal["bronze", "silver", "gold"]
GRADES: tuple[Grade, ...] = ("bronze", "silver", "gold")
F = TypeVar("F", bound=Callable[..., None])


@dataclass(frozen=True, slots=True)
class Case:
    """When a case applies, and for which grade it counts. `needs`: capabilities, or `probes`. `member`: what a World may
    have, and must have for this."""

    grade: Grade = "bronze"
    needs: frozenset[str] = frozenset()
    breaks: frozenset[Kind] = frozenset()
    member: str = ""

    def applies(self, world: type[World]) -> bool:
        able = self.needs <= abilities(world.connector_type) and self.breaks <= world.breaks
        return able and (not self.member or hasattr(world, self.member))


def case(
    grade: Grade = "bronze", *, needs: str = "", breaks: Collection[Kind] = (), member: str = ""
) -> Callable[[F], F]:
    """Mark a method as a case. `needs`: capabilities separated by spaces."""
    mark = Case(grade, frozenset(needs.split()), frozenset(breaks), member)

    def marked(method: F) -> F:
        method.case = mark  # type: ignore[attr-defined]
        return method

    return marked


def abilities(connector: type) -> frozenset[str]:
    """The capabilities of a connector class, and `probes`."""
    probes = {"probes"} if callable(getattr(connector, "probe", None)) else set()
    return capabilities(connector) | probes


class Cases:
    """Base of all groups of cases."""

    world_type: ClassVar[type[World]]
    exempt: ClassVar[Mapping[str, str]] = {}

    def fresh(self) -> AbstractContextManager[Any]:
        """Another new world."""
        return opened(self.world_type)

    def scrubber(self, world: World) -> Scrubber:
        """Knows every secret of this world's settings."""
        config = parse_config(self.world_type.connector_type, world.config())
        return Scrubber(secret_values(config), [str(world.config().get("username", ""))])


@contextmanager
def opened(world_type: type[World]) -> Iterator[World]:
    """A new world, closed in the end."""
    world = world_type()
    try:
        yield world
    finally:
        world.close()


def cases_of(suite: type[Cases]) -> dict[str, Case]:
    """The cases of a suite that apply to its connector and are not exempt, by name."""
    found = {name: getattr(suite, name).case for name in dir(suite) if hasattr(getattr(suite, name), "case")}
    return {name: mark for name, mark in found.items() if mark.applies(suite.world_type) and name not in suite.exempt}


__all__ = ["GRADES", "Case", "Cases", "Grade", "Probes", "abilities", "case", "cases_of", "opened"]
