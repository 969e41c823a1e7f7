"""A process that dies in the middle leaves nothing half written, and nothing in the way of the next."""

from __future__ import annotations

import subprocess
import sys

from sqlalchemy import Engine, func, select

from lineage import drill, tables
from tests.integration.lineage.conftest import TICKET, open_ticket

DYING = """
import os, sys
from sqlalchemy import create_engine
from tests.integration.lineage.conftest import open_ticket
with create_engine(sys.argv[1]).connect() as conn:
    open_ticket(conn)
    print("written", flush=True)
    os._exit(9)
"""


def test_a_process_that_dies_before_its_commit_leaves_nothing(db: Engine) -> None:
    url = db.url.render_as_string(hide_password=False)
    dead = subprocess.run([sys.executable, "-c", DYING, url], capture_output=True, text=True, timeout=60)
    assert (dead.returncode, dead.stdout) == (9, "written\n"), dead.stderr
    with db.connect() as conn:
        for table in (tables.landing, tables.prov, tables.plan, tables.field, tables.dataset):
            assert conn.execute(select(func.count()).select_from(table)).scalar_one() == 0
    with db.begin() as conn:
        values = open_ticket(conn)
        assert drill(conn, TICKET, "title", stored=values["title"]).verdict == "equal"
