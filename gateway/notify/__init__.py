"""Telling people: what somebody shall know is a notice; the policy says over which channels, and who answered is kept.

`notices` is what others queue; `telling`, `sending` and `settling` are the worker's; `inbox`, `links` and `replies` are
what people see; `tried` and `trying` say which channels proved that they work.
"""

from gateway.notify.notices import Notice, queue

__all__ = ["Notice", "queue"]
