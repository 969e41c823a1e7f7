"""What a connector never does itself: deadlines, retries, rate limit, circuit breaker, health, keeping secrets in."""

from connectors.runtime.connection import Connection
from connectors.runtime.fates import ConfirmFate, Done, MustConfirm, NeedsPerson, NotDone, Refused, RetryAt, WriteFate
from connectors.runtime.guard import CALLS_AT_ONCE
from connectors.runtime.kept import Kept
from connectors.runtime.state import Condition, Listener, Result, Silence, Status

__all__ = [
    "CALLS_AT_ONCE",
    "Condition",
    "ConfirmFate",
    "Connection",
    "Done",
    "Kept",
    "Listener",
    "MustConfirm",
    "NeedsPerson",
    "NotDone",
    "Refused",
    "Result",
    "RetryAt",
    "Silence",
    "Status",
    "WriteFate",
]
