"""ODBC for every connector that needs a database: drivers found, connections that end in time, errors by what must happen.

pyodbc is imported when the first connection is made. Its wheel needs the driver manager `libodbc.so.2`, and drivers
need libraries of their own; what the machine lacks is taken from `.components/root` (`setup/components.sh odbc`).
"""

from connectors.odbc.drivers import driver_file, load
from connectors.odbc.errors import Constraint, MissingObject, classified, numbers_of
from connectors.odbc.sessions import Connect, Pool, Rows, Session, connect, within
from connectors.odbc.settings import OdbcSettings

__all__ = [
    "Connect",
    "Constraint",
    "MissingObject",
    "OdbcSettings",
    "Pool",
    "Rows",
    "Session",
    "classified",
    "connect",
    "driver_file",
    "load",
    "numbers_of",
    "within",
]
