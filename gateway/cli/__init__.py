"""The `weft` command."""

from __future__ import annotations

import sys
from typing import NoReturn

import core_tickets
import id_registry
import lineage
from connectors.errors import ConnectorError
from gateway.cli.root import app
from gateway.errors import WeftError

__all__ = ["app", "main"]


def main() -> None:
    """Entry point. Exit codes: 0 done, 1 found something wrong, 2 used wrongly or refused."""
    try:
        app()
    except core_tickets.UnknownTicket as error:
        _refuse(f"there is no ticket {id_registry.format_id(error.ticket_id)}")
    except (
        WeftError,
        core_tickets.TicketError,
        id_registry.RegistryError,
        lineage.LineageError,
        ConnectorError,
    ) as error:
        _refuse(str(error))


def _refuse(message: str) -> NoReturn:
    print(f"weft: {message}", file=sys.stderr)
    sys.exit(2)
