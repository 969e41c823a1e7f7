"""pyodbc, its driver manager and the drivers: found on this machine or among the unpacked components."""

from __future__ import annotations

import ctypes
import functools
import glob
import importlib.util
import os
import platform
import re
import sys
from pathlib import Path
from typing import Any

from connectors.errors import ConfigProblem

STYLES = ("microsoft", "freetds", "postgresql", "sqlite")
"""The families of drivers that are known by name."""
_MARKS = {"msodbcsql": "microsoft", "sql server": "microsoft", "tds": "freetds", "psqlodbc": "postgresql"}
_MARKS |= {"postgres": "postgresql", "sqlite": "sqlite"}
_FILES = {"freetds": "libtdsodbc.so", "postgresql": "psqlodbcw.so", "sqlite": "libsqlite3odbc.so"}
_PACKAGES = {"freetds": "tdsodbc", "postgresql": "odbc-postgresql", "sqlite": "libsqliteodbc"}


def style_of(driver: str) -> str:
    """The family of a driver told by family, installed name or path; "" for any other."""
    told = driver.lower()
    return told if told in STYLES else next((style for mark, style in _MARKS.items() if mark in told), "")


def _unpacked(name: str) -> str | None:
    """A library among the components that were unpacked without installing them."""
    given = os.environ.get("WEFT_COMPONENTS")
    root = (Path(given) if given else Path(__file__).parents[2] / ".components") / "root"
    found = [path for place in ("*", "*/odbc") for path in glob.glob(f"{root}/usr/lib/{place}/{name}")]
    return found[0] if found else None


def _load_library(path: str) -> None:
    """Load a library, and before it, from the unpacked components, those it needs and the machine lacks.

    :raises ConfigProblem: one can't be had.
    """
    while True:
        try:
            ctypes.CDLL(path, mode=ctypes.RTLD_GLOBAL)
            return
        except OSError as error:
            lacking = re.match(r"(\S+\.so[.\d]*): cannot open shared object", str(error))
            found = _unpacked(lacking[1]) if lacking and lacking[1] != path else None
            if found is None:
                raise ConfigProblem(
                    f"{Path(path).name} can't be loaded: {error}",
                    hint="Debian and Ubuntu: apt install unixodbc, or setup/components.sh odbc where one is not root",
                ) from error
        _load_library(found)


@functools.cache
def load() -> Any:
    """The module pyodbc, with its driver manager.

    :raises ConfigProblem: either is missing; says what to install.
    """
    if sys.platform == "linux":
        try:
            ctypes.CDLL("libodbc.so.2")
        except OSError:
            _load_library(_unpacked("libodbc.so.2") or "libodbc.so.2")
    try:
        import pyodbc
    except ImportError as error:
        raise ConfigProblem(f"pyodbc can't be used: {error}", hint="pip install pyodbc") from error
    pyodbc.pooling = False  # a pool that nobody can empty would hand out connections known to be broken
    return pyodbc


@functools.cache
def driver_file(name: str) -> str:
    """What goes behind `DRIVER=` for microsoft, freetds, postgresql or sqlite: its library, else its installed name.

    :raises ConfigProblem: it is not there; says what to install.
    """
    pyodbc = load()
    if name == "microsoft":
        places = _microsoft_places()
        hint = "pip install mssql-python-odbc, or install Microsoft's msodbcsql18"
    else:
        file = _FILES[name]
        places = [f"/usr/lib/*/odbc/{file}", f"/usr/lib*/{file}*", f"/usr/lib*/odbc/{file}*", _unpacked(file) or ""]
        hint = f"Debian and Ubuntu: apt install {_PACKAGES[name]}, or setup/components.sh odbc where one is not root"
    found = [path for place in places if place for path in sorted(glob.glob(place), reverse=True)]
    if found:
        _load_library(found[0])
        return found[0]
    registered = [driver for driver in pyodbc.drivers() if style_of(driver) == name]
    if not registered:
        raise ConfigProblem(f"the ODBC driver {name!r} is not on this machine", hint=hint)
    return str(max(registered))


def _microsoft_places() -> list[str]:
    places = ["/opt/microsoft/msodbcsql*/lib64/libmsodbcsql-*.so*"]
    package = importlib.util.find_spec("mssql_python_odbc")
    if package is not None and package.submodule_search_locations:
        machine = {"aarch64": "arm64"}.get(platform.machine(), platform.machine())
        like = Path("/etc/os-release").read_text("utf-8") if Path("/etc/os-release").exists() else ""
        build = next((b for b in ("alpine", "rhel", "suse") if re.search(rf"^ID.*{b}", like, re.M)), "debian_ubuntu")
        root = package.submodule_search_locations[0]
        places.insert(0, f"{root}/libs/linux/{build}/{machine}/lib/libmsodbcsql-*.so*")
    return places
