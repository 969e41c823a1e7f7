"""Accounts of people, for who administers them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from gateway import clock
from gateway.api.access import REFUSALS, Administrator, GatewayDep
from gateway.api.session import Password
from gateway.api.shapes import Line
from gateway.api.shapes import Request as Body
from gateway.errors import Conflict
from gateway.rights import check_holder
from gateway.signin import accounts, passwords
from gateway.signin.accounts import Account
from gateway.tokens import Role

router = APIRouter(prefix="/v1/users", tags=["access"], responses=REFUSALS)
RoleName = Literal["viewer", "agent", "integrator", "admin"]
BusinessRoles = Annotated[list[Line], Field(max_length=20)]


class NewUser(Body):
    login: Annotated[Line, Field(min_length=1)]
    name: Line = ""
    role: RoleName
    person: Line | None = Field(None, min_length=1, description="id in the roster: who acts, and stands in timelines")
    roles: BusinessRoles = Field([], description="business roles; default: those of the person")
    password: Password | None = Field(None, description="default: one is made, to be changed at the first sign-in")


class UserChange(Body):
    """What is left out stays."""

    name: Annotated[Line, Field(min_length=1)] | None = None
    role: RoleName | None = None
    person: Line | None = Field(None, description="null: nobody of the roster")
    roles: BusinessRoles | None = None
    disabled: bool | None = None


class User(BaseModel):
    id: str
    login: str
    name: str
    role: RoleName
    person: str | None
    roles: list[str] | None
    by: Literal["password", "oidc", "none"]
    must_change_password: bool
    created_at: str
    disabled_at: str | None
    signed_in_at: str | None


class MadeUser(User):
    password: str | None = Field(description="Shown only now; null when it was given.")


class Users(BaseModel):
    items: list[User]
    next_cursor: None = None


@router.get("")
def list_users(gateway: GatewayDep, _: Administrator) -> Users:
    """Everybody, in order of login."""
    with gateway.reading() as conn:
        return Users(items=[User(**_shape(a)) for a in accounts.listed(conn)])


@router.post("", status_code=201)
def add_user(gateway: GatewayDep, _: Administrator, new: NewUser) -> MadeUser:
    """409 for a login there is."""
    check_holder(gateway.hub, new.person, new.roles, None)
    made = None if new.password else passwords.generated()
    with gateway.transaction() as conn:
        account = accounts.create(
            conn, login=new.login, name=new.name, role=Role(new.role), now=clock.now(), password=new.password or made,
            person=new.person, roles=new.roles, must_change=made is not None,
        )  # fmt: skip
    return MadeUser(**_shape(account), password=made)


@router.patch("/{user}")
def change_user(gateway: GatewayDep, who: Administrator, user: Line, change: UserChange) -> User:
    """Roles hold from the next request on; who is disabled is signed out everywhere. 409 for the last administrator."""
    values: dict[str, Any] = change.model_dump(exclude_unset=True)
    for name in ("name", "role", "disabled"):  # these cannot be nothing
        if values.get(name, "") is None:
            del values[name]
    check_holder(gateway.hub, values.get("person"), values.get("roles") or [], None)
    if values.get("disabled") and who.id == user:
        raise Conflict("You cannot disable your own account.")
    with gateway.transaction() as conn:
        return User(**_shape(accounts.change(conn, user, clock.now(), **values)))


@router.post("/{user}/password")
def reset_password(gateway: GatewayDep, _: Administrator, user: Line) -> MadeUser:
    """A new one, shown only now and to be changed at the next sign-in; all sessions end."""
    made = passwords.generated()
    with gateway.transaction() as conn:
        if accounts.get(conn, user).issuer is not None:
            raise Conflict("This account signs in elsewhere; its password is not ours.")
        accounts.set_password(conn, user, made, must_change=True)
        return MadeUser(**_shape(accounts.get(conn, user)), password=made)


def _shape(a: Account) -> dict[str, Any]:
    return {
        "id": a.id, "login": a.login, "name": a.name, "role": a.role.value, "person": a.person,
        "roles": None if a.roles is None else list(a.roles),
        "by": "oidc" if a.issuer else "password" if a.has_password else "none", "must_change_password": a.must_change,
        "created_at": clock.rfc3339(a.created_at), "disabled_at": clock.rfc3339(a.disabled_at),
        "signed_in_at": clock.rfc3339(a.signed_in_at),
    }  # fmt: skip
