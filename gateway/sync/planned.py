"""Every stream of business records that is read: as it is written down, or as its connector says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import structlog

from connectors.contract import Stream
from connectors.errors import ConnectorError
from gateway import clock
from gateway.config.hub import Hub, Live
from gateway.config.syncs import Partitions, SyncSpec, Timing

log = structlog.get_logger(__name__)

NO_SYNC = ("Alert", "Reading", "Ticket")
"""What streams of these become is not held in the replica."""


@dataclass(frozen=True, slots=True)
class Sync:
    """How one stream is read. `fresh_within`: microseconds; None: no promise."""

    live: Live
    stream: Stream
    record: str
    timing: Timing
    partitions: Partitions | None = None
    fresh_within: int | None = None
    full: bool = False

    @property
    def name(self) -> str:
        return f"{self.live.id}/{self.stream.name}"


def planned(hub: Hub) -> Iterator[Sync]:
    """All of them, in the order of the configuration. A connection whose streams cannot be listed has none for now."""
    for live in hub.connections.values():
        if not live.spec.enabled or live.runtime is None or "reads" not in live.can:
            continue
        for stream in streams_of(live):
            found, spec = sync_of(hub, live, stream), hub.syncs.get((live.id, stream.name))
            if found is not None and (spec is None or spec.enabled):
                yield found


def sync_of(hub: Hub, live: Live, stream: Stream) -> Sync | None:
    """How a stream is read; None: it becomes no record of business."""
    mapping = live.mappings.get(stream.name)
    if mapping is None or mapping.target in NO_SYNC:
        return None
    spec = hub.syncs.get((live.id, stream.name)) or SyncSpec(connection=live.id, stream=stream.name)
    every = live.spec.sync_every_s.get(stream.name, int(stream.every.total_seconds())) * clock.SECOND
    timing = spec.schedule or Timing.model_construct(every=every)
    return Sync(live, stream, mapping.target, timing, spec.partitions, spec.fresh_within, spec.mode == "full")


def streams_of(live: Live) -> tuple[Stream, ...]:
    """What a connection can read; none while that cannot be told."""
    try:
        return live.streams
    except ConnectorError as error:
        log.warning("sync.no_streams", connection=live.id, reason=str(error))
        return ()
