"""A process that begins `job:x` whenever it is due, every second, and tells each step as a line of JSON.

`claimant.py URL HOME HOLD_S CLOCK_S`: under a claim it writes a row, waits until HOLD_S are over, and writes another. Its own
clock goes CLOCK_S seconds wrong. Leases last two seconds here, so that a test need not wait for a minute.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

from sqlalchemy import select

from gateway import clock, leases, tables
from gateway.config.syncs import Timing
from gateway.scheduling import claims
from gateway.service import Gateway
from gateway.settings import Settings

BEGUN = tables.schedule_state.c


def say(what: str, **more: object) -> None:
    print(json.dumps({"what": what, "pid": os.getpid(), **more}), flush=True)


def write(gateway: Gateway, claim: claims.Claim, step: str) -> None:
    with leases.fenced(claim.lease, claim.owner, claims.LEASE), gateway.transaction() as conn:
        began = conn.execute(select(BEGUN.begun_at).where(BEGUN.name == claim.name)).scalar_one()
        row = {"name": f"{step}:{claim.owner}", "begun_at": began}
        conn.execute(tables.schedule_state.insert().values(row))


def main(url: str, home: str, hold_s: float, clock_s: float) -> None:
    real = clock.now
    clock.now = lambda: real() + int(clock_s * clock.SECOND)
    claims.LEASE = 2 * clock.SECOND
    gateway = Gateway(Settings(home=Path(home), database_url=url))
    timing = Timing.model_construct(every=clock.SECOND)
    say("ready")
    while True:
        with gateway.transaction() as conn:
            found = claims.claim(conn, "job:x", timing)
        if isinstance(found, claims.Later):
            time.sleep(0.02)
            continue
        try:
            write(gateway, found, "first")
            say("began")
            time.sleep(hold_s)
            write(gateway, found, "second")
            with gateway.transaction() as conn:
                ended = claims.end(conn, found)
            say("ended" if ended else "lost")
        except leases.LeaseLost:
            say("lost")


main(sys.argv[1], sys.argv[2], float(sys.argv[3]), float(sys.argv[4]))
