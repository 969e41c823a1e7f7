"""Telling people: what somebody shall know is a notice; the policy says over which channels, and who answered is kept."""

from gateway.notify.notices import Notice, queue

__all__ = ["Notice", "queue"]
