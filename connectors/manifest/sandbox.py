"""A stand-in of the system that a manifest describes: `python -m connectors.manifest.sandbox FILE [--port N]`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from connectors.manifest.kinds import kinds, read

FIRST_PORT = 9300


def main() -> None:
    """Run until interrupted."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split(":")[0])
    parser.add_argument("file", type=Path, help="the manifest")
    parser.add_argument("--port", type=int, default=FIRST_PORT)
    given = parser.parse_args()
    connector: Any = read(given.file)
    kinds()[connector.manifest.kind].sandbox(connector, given.port)


if __name__ == "__main__":
    main()
