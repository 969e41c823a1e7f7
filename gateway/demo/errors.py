"""What can go wrong when the demo or a test starts a real component.

ComponentError
├── MissingComponent   the program is not on this machine
└── NotStarted         it is, but it did not come up
"""

from __future__ import annotations


class ComponentError(RuntimeError):
    """A real component could not be used."""


class MissingComponent(ComponentError):
    """The program is neither on this machine nor unpacked."""

    def __init__(self, names: tuple[str, ...], set_name: str = "") -> None:
        self.names = names
        self.set_name = set_name
        super().__init__(f"{' or '.join(names)} not found: run {' '.join(['setup/components.sh', set_name]).strip()}")

    def __reduce__(self) -> tuple[type[MissingComponent], tuple[tuple[str, ...], str]]:
        return type(self), (self.names, self.set_name)


class NotStarted(ComponentError):
    """The program ended, or was not ready within its time."""

    def __init__(self, name: str, reason: str, log: str = "") -> None:
        self.name = name
        self.reason = reason
        self.log = log
        super().__init__(f"{name} {reason}" + (f"; the end of its log:\n{log}" if log else ""))

    def __reduce__(self) -> tuple[type[NotStarted], tuple[str, str, str]]:
        return type(self), (self.name, self.reason, self.log)
