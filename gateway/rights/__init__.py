"""Who asks, and what is left of an answer for them: the one place that every reader of tickets goes through."""

from gateway.rights.asking import asker_as, asker_in_role, asker_of, check_holder
from gateway.rights.eyes import Eyes
from gateway.rights.telling import outgoing, visible

__all__ = ["Eyes", "asker_as", "asker_in_role", "asker_of", "check_holder", "outgoing", "visible"]
