"""A stream's cursor: which files were read, and how far the one in hand is. Nothing else is kept anywhere."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from connectors.contract import Cursor
from connectors.drop_folder.client import Found
from connectors.drop_folder.examine import Seal
from connectors.drop_folder.lines import Place
from connectors.errors import ConfigProblem


class Done(NamedTuple):
    """A file that was read to its end. `refused`: it could not be, under the stream's form of this digest."""

    size: int
    mtime_ns: int
    digest: str
    refused: str = ""


class InHand(NamedTuple):
    """A file that was read in part. `bad`: so many unusable rows until there."""

    name: str
    digest: str
    place: Place
    bad: int


@dataclass(frozen=True, slots=True)
class Progress:
    """`last`: the digest of the file that was read last. `form`: the digest of the stream's form."""

    form: str
    done: dict[str, Done]
    last: str = ""
    hand: InHand | None = None

    @classmethod
    def load(cls, cursor: Cursor, form: str) -> Progress:
        """Raises ConfigProblem for a cursor of something else."""
        if cursor is None:
            return cls(form, {})
        try:
            data: Any = cursor
            done = {str(name): Done(int(d[0]), int(d[1]), str(d[2]), str(d[3])) for name, d in data["done"].items()}
            hand = data["hand"]
            if hand is not None:
                hand = InHand(str(hand[0]), str(hand[1]), Place(*map(int, hand[2:5])), int(hand[5]))
            return cls(form, done, str(data["last"]), hand)
        except (KeyError, IndexError, TypeError, ValueError, AttributeError):
            raise ConfigProblem(f"{str(cursor)[:200]!r} is no cursor of this stream") from None

    def dump(self) -> Cursor:
        hand: Cursor = None
        if self.hand is not None:
            place = self.hand.place
            hand = [self.hand.name, self.hand.digest, place.offset, place.row, place.line, self.hand.bad]
        return {"done": {name: list(done) for name, done in self.done.items()}, "last": self.last, "hand": hand}

    # -- what it says -------------------------------------------------------------------------------------------------

    def knows(self, found: Found) -> bool:
        """Whether this very file was read already, as far as its size and time tell."""
        done = self.done.get(found.name)
        if done is None or done.refused not in ("", self.form):
            return False
        return (done.size, done.mtime_ns) == (found.size, found.mtime_ns)

    def repeats(self, name: str, seal: Seal) -> bool:
        """Whether it says nothing new: as it was when it was read, or the same as the file that was read last."""
        done = self.done.get(name)
        return (done is not None and not done.refused and done.digest == seal.digest) or self.last == seal.digest

    def place_in(self, name: str, seal: Seal) -> tuple[Place, int]:
        """Where to begin in a file, and how many of its rows were unusable until there."""
        if self.hand is not None and (self.hand.name, self.hand.digest) == (name, seal.digest):
            return self.hand.place, self.hand.bad
        return Place(), 0

    # -- what it becomes ----------------------------------------------------------------------------------------------

    def without_gone(self, names: set[str]) -> Progress:
        """Files that are no longer there are forgotten: dropped again, they are read again."""
        return replace(self, done={name: done for name, done in self.done.items() if name in names})

    def in_the_middle(self, name: str, seal: Seal, place: Place, bad: int) -> Progress:
        return replace(self, hand=InHand(name, seal.digest, place, bad))

    def finished(self, name: str, seal: Seal, *, refused: bool = False) -> Progress:
        done = Done(seal.size, seal.mtime_ns, seal.digest, self.form if refused else "")
        last = self.last if refused else seal.digest
        return replace(self, done={**self.done, name: done}, last=last, hand=None)
