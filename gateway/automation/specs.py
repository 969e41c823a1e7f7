"""Rules, bridges and context questions as data: what a person writes, what is stored, what `weft export` prints."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from gateway.clock import HOUR, MINUTE
from gateway.config.durations import Duration, show
from mappings import RECORDS
from mappings.suggestions import among

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$", description="lower case letters, digits, . _ -")]


class Spec(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Flap(Spec):
    """A signal that changes its status `changes` times within `within` is flapping: its ticket stays open until the
    signal has been quiet for `settle`."""

    changes: int = Field(6, ge=3, le=100)
    within: Duration = 30 * MINUTE
    settle: Duration = 10 * MINUTE


class Storm(Spec):
    """More than `more_than` tickets of one kind within `within` become one ticket of `priority` with a list of members."""

    more_than: int = Field(50, ge=1, le=100_000)
    within: Duration = HOUR
    kind: str = Field("first(rule, title)", description="expression: what counts as one kind of alert")
    priority: int = Field(0, ge=0, le=3)


class Threshold(Spec):
    """A reading crosses when it is above (below) the limit, for at least `for`; it is over once back at `clear`."""

    above: Decimal | None = None
    below: Decimal | None = None
    clear: Decimal | None = Field(None, description="hysteresis; default: the limit itself")
    lasting: Duration = Field(0, alias="for")

    @model_validator(mode="after")
    def _one_limit(self) -> Threshold:
        if (self.above is None) == (self.below is None):
            raise ValueError("give either `above` or `below`")
        if self.above is not None and self.clear is not None and self.clear > self.above:
            raise ValueError("`clear` must not be higher than `above`")
        if self.below is not None and self.clear is not None and self.clear < self.below:
            raise ValueError("`clear` must not be lower than `below`")
        return self

    def describe(self) -> str:
        """In words: `value above 85 for 10s, until back at 75`."""
        side, limit = ("above", self.above) if self.above is not None else ("below", self.below)
        back = limit if self.clear is None else self.clear
        return f"value {side} {limit} for {show(self.lasting)}, until back at {back}"

    def crosses(self, value: Decimal) -> bool:
        return value > self.above if self.above is not None else value < self.below  # type: ignore[operator]

    def clears(self, value: Decimal) -> bool:
        if self.above is not None:
            return value <= (self.above if self.clear is None else self.clear)
        return value >= (self.below if self.clear is None else self.clear)  # type: ignore[operator]


class Batch(Spec):
    """Once `at_least` different members of one batch were told of within `within`, one ticket stands for all of them."""

    of: str = Field(description="expression, a text: what the members have in common (model, mileage band, fault code)")
    member: str = Field(description="expression, a text: who it is, such as the vehicle; twice the same counts once")
    at_least: int = Field(100, ge=2, le=1_000_000)
    within: Duration = 30 * 24 * HOUR


AtEnd = Literal["resolve_untouched", "resolve", "comment", "nothing"]
PASSING = frozenset({"VehicleSignal"})
"""Records that are told once and count: rules on them make a ticket of many (`batch`)."""
STANDING = frozenset(RECORDS) - {"Alert", "Reading", "Ticket"} - PASSING
"""Records that the hub keeps a replica of. A rule on one looks at what stands there, not at what a message says."""


class Rule(Spec):
    """The first rule of a record's kind whose `when` holds decides: `suppress` it for a reason, or make a `ticket`.

    On a record of business (StockLevel, Downtime, Order ...) the ticket stands as long as the condition does: it is
    opened once it has held `for` so long, and ended when `until` holds, or the record is deleted.
    """

    id: Name
    title: str = ""
    on: str = Field(description="Alert, Reading, or a canonical record of business: StockLevel, Downtime, Order ...")
    when: str | None = Field(
        None, description="expression over the canonical record, `origin`, `connection`; none: always"
    )
    suppress: str | None = Field(None, description="the reason why such records make no ticket")
    ticket: dict[str, Any] | None = Field(None, description="field of Ticket: expression, as in a mapping")
    tables: dict[str, dict[str, Any]] = {}
    fingerprint: str | None = Field(None, description="expression; default: connection and key of the alert or record")
    threshold: Threshold | None = None
    batch: Batch | None = None
    lasting: Duration = Field(0, alias="for", description="records: `when` must have held so long")
    since: str | None = Field(None, description="records: expression, when it began; default: when it was first seen")
    until: str | None = Field(None, description="records: expression that ends it; default: `when` holds no more")
    at_end: AtEnd = Field("resolve_untouched", description="records: what becomes of the ticket at the end")
    reopen_within: Duration = 30 * MINUTE
    flap: Flap | None = Flap()
    storm: Storm | None = Storm()

    @model_validator(mode="before")
    @classmethod
    def _storm_of_a_record(cls, given: Any) -> Any:
        """Alerts name what they are of a kind with; of records it is their rule, and many of them are no disaster."""
        if not isinstance(given, dict) or given.get("on") not in STANDING:
            return given
        storm = given.get("storm", {})
        if not isinstance(storm, dict):
            return given
        return given | {"storm": {"more_than": 200, "kind": repr(given.get("id")), "priority": 2} | storm}

    @model_validator(mode="after")
    def _one_outcome(self) -> Rule:
        if self.on not in STANDING | PASSING and self.on not in ("Alert", "Reading"):
            known = ["Alert", "Reading", *sorted(STANDING | PASSING)]
            raise ValueError(f"there are no rules on {self.on!r}: {among(self.on, known)}")
        if (self.suppress is None) == (self.ticket is None):
            raise ValueError("give either `suppress: reason` or `ticket: {...}`")
        if self.on == "Reading" and self.ticket is not None and self.threshold is None:
            raise ValueError("a rule on Reading that makes tickets needs a `threshold`")
        if self.on in PASSING and self.ticket is not None and self.batch is None:
            raise ValueError(f"a rule on {self.on} that makes tickets needs a `batch`")
        if self.on not in PASSING and self.batch is not None:
            raise ValueError("`batch` is for rules on " + ", ".join(sorted(PASSING)))
        if self.on != "Reading" and self.threshold is not None:
            raise ValueError("`threshold` is for rules on Reading")
        if self.on not in STANDING:
            fields = type(self).model_fields
            given = [n for n in ("at_end", "lasting", "since", "until") if getattr(self, n) != fields[n].default]
            if given:
                names = ", ".join(f"`{'for' if name == 'lasting' else name}`" for name in given)
                raise ValueError(f"{names}: for rules on records of business, not on {self.on}")
        return self


TicketEvent = Literal[
    "ticket.opened",
    "ticket.started",
    "ticket.blocked",
    "ticket.unblocked",
    "ticket.approved",
    "ticket.refused",
    "ticket.resolved",
    "ticket.reopened",
    "ticket.closed",
    "ticket.assigned",
    "ticket.claimed",
    "ticket.handed_over",
    "ticket.returned",
    "ticket.commented",
    "ticket.updated",
    "ticket.priority_changed",
    "ticket.attached",
    "ticket.approval_requested",
    "ticket.accepted",
    "ticket.declined",
    "ticket.approval_withdrawn",
    "ticket.handed_off",
    "ticket.handoff_accepted",
    "ticket.handoff_returned",
    "ticket.handoff_finished",
    "ticket.confirmed",
    "ticket.announced",
]


class BridgeQuestion(Spec):
    """What the target is asked right before the command goes out, for the bridge's `mapping`."""

    question: str
    inputs: dict[str, str] = {}


class Bridge(Spec):
    """When `on` happens to a ticket and `when` holds, `op` is carried out on the connection the ticket came from, or on
    `connection`, or on every connection of `connector`. Keys and bodies are expressions; `target` is that connection.

    With `mapping` they also read `result.*`: what that mapping makes of the answers to `ask` and of `ticket`, computed
    right before the command goes out."""

    id: Name
    title: str = ""
    on: TicketEvent
    when: str | None = None
    connection: str | None = None
    connector: str | None = Field(
        None, description="on every enabled connection of this connector, wherever the ticket came from"
    )
    once: bool = Field(
        False, description="one command for a ticket that stands for many alerts (a storm); else one for each of them"
    )
    enabled: bool = Field(True, description="false switches a built-in bridge off")
    as_role: Name | None = Field(
        None, description="a role of the policy rights: only what it may read goes out; default: the connection's"
    )
    ask: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")], BridgeQuestion] = Field(
        {}, description="the target's questions, by names of yours; the mapping reads the first one's answer by its fields, "
        "the others' as NAME.field"
    )  # fmt: skip
    mapping: str | None = Field(None, description="of the target's connector, or one of the hub's own; makes `result`")
    op: str
    key: dict[str, str] = {}
    body: dict[str, str] = {}

    @model_validator(mode="after")
    def _one_target(self) -> Bridge:
        if self.connection is not None and self.connector is not None:
            raise ValueError("give either `connection` or `connector`")
        if self.ask and self.mapping is None:
            raise ValueError("`ask` needs a `mapping` that makes `result` of the answers")
        if "ticket" in self.ask:
            raise ValueError("`ticket` is the ticket's own name; name the question otherwise")
        return self


class ContextQuestion(Spec):
    """A question asked for every new ticket for which `when` holds; `section` is its place in the snapshot."""

    question: str
    section: str | None = None
    when: str | None = None
    inputs: dict[str, str] = {}
    deadline: Duration | None = Field(None, description="default: the setting context_deadline_s")


class Check(Spec):
    """Does another system agree? Some time after `on` happened to a ticket the connection is asked; where `finds` holds
    for its answer, the contradiction becomes a ticket of kind data_quality that ends when the systems agree again."""

    id: Name
    title: str = Field(description="the contradiction in one line")
    on: TicketEvent = "ticket.resolved"
    after: Duration = Field(10 * MINUTE, description="the other system gets so long to follow")
    again: Duration = Field(HOUR, ge=MINUTE, description="what contradicts is asked again so often")
    when: str | None = Field(None, description="expression: for which tickets; else for all")
    question: str
    inputs: dict[str, str] = {}
    finds: str = Field(description="expression over `answer` and the ticket: true when they contradict each other")


class Defaults(Spec):
    """A connector's `defaults.yaml`."""

    rules: list[Rule] = []
    bridges: list[Bridge] = []
    context: list[ContextQuestion] = []
    checks: list[Check] = []
