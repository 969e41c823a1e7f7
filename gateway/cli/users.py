"""People who sign in: `weft user`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from gateway import clock
from gateway.cli.session import Database, Json, gateway, show, table
from gateway.rights import check_holder
from gateway.signin import accounts, passwords
from gateway.tokens import Role

user_app = typer.Typer(help="People who sign in.", no_args_is_help=True)
Login = Annotated[str, typer.Argument(help="The user name.")]
FromInput = Annotated[bool, typer.Option("--stdin", help="Read the password from standard input; default: make one.")]


def add(app: typer.Typer) -> None:
    app.add_typer(user_app, name="user")


@user_app.command("add")
def add_user(
    login: Login,
    role: Annotated[Role, typer.Option(help="What they may do.")],
    name: Annotated[str, typer.Option(help="How people call them.")] = "",
    person: Annotated[str | None, typer.Option(help="Who they are in the roster: stands in timelines.")] = None,
    roles: Annotated[
        list[str] | None, typer.Option("--as", help="Business role; default: those of the person.")
    ] = None,
    stdin: FromInput = False,
    database_url: Database = None,
    as_json: Json = False,
) -> None:
    """An account. A password that is made is shown once, and has to be changed at the first sign-in."""
    given = _read() if stdin else None
    made = passwords.generated()
    with gateway(database_url=database_url) as g:
        check_holder(g.hub, person, roles or [], None)
        with g.transaction() as conn:
            account = accounts.create(
                conn, login=login, name=name, role=role, now=clock.now(), password=given or made, person=person,
                roles=roles, must_change=given is None,
            )  # fmt: skip
    _tell(account.login, None if given else made, as_json=as_json)


@user_app.command("password")
def set_password(login: Login, stdin: FromInput = False, database_url: Database = None, as_json: Json = False) -> None:
    """A new password; all sessions end. One that is made is shown once, and has to be changed at the next sign-in."""
    given = _read() if stdin else None
    made = passwords.generated()
    with gateway(database_url=database_url) as g, g.transaction() as conn:
        account = accounts.by_login(conn, login)
        accounts.set_password(conn, account.id, given or made, must_change=given is None)
    _tell(account.login, None if given else made, as_json=as_json)


@user_app.command("disable")
def disable_user(login: Login, database_url: Database = None) -> None:
    """May not sign in any more; all sessions end. Not the last administrator."""
    with gateway(database_url=database_url) as g, g.transaction() as conn:
        accounts.change(conn, accounts.by_login(conn, login).id, clock.now(), disabled=True)


@user_app.command("enable")
def enable_user(login: Login, database_url: Database = None) -> None:
    """May sign in again."""
    with gateway(database_url=database_url) as g, g.transaction() as conn:
        accounts.change(conn, accounts.by_login(conn, login).id, clock.now(), disabled=False)


@user_app.command("list")
def list_users(database_url: Database = None, as_json: Json = False) -> None:
    """Everybody who may sign in."""
    with gateway(database_url=database_url) as g, g.reading() as conn:
        found = accounts.listed(conn)
    columns = ("login", "name", "role", "person", "as", "signed_in_at", "disabled_at")
    rows = [(a.login, a.name, a.role.value, a.person, ", ".join(a.roles or ()), clock.rfc3339(a.signed_in_at),
             clock.rfc3339(a.disabled_at)) for a in found]  # fmt: skip
    data = [dict(zip(columns, row, strict=True)) for row in rows]
    show({"items": data}, as_json=as_json, text=lambda out: out.print(table("Users", columns, rows)))


def _read() -> str:
    return sys.stdin.readline().rstrip("\r\n")


def _tell(login: str, made: str | None, *, as_json: bool) -> None:
    said = f"{login}: {made}" if made else f"{login}: done"
    show({"login": login, "password": made}, as_json=as_json, text=lambda out: out.print(said, markup=False))
