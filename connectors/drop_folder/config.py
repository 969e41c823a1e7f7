"""Settings of a connection to a folder."""

from __future__ import annotations

import os

from pydantic import Field, field_validator

from connectors.contract import Settings
from connectors.drop_folder.form import Section


class CsvConfig(Section, Settings):
    """A folder, and what the files in it are."""

    folder: str = Field(description="The folder, by its whole path as the hub sees it, e.g. /data/drop or a mount")
    host: str = Field(
        default="localhost",
        description="Which machine the folder is on: the name of the file server, for lineage",
        pattern=r"^[A-Za-z0-9._-]+$",
    )
    timeout_s: float = Field(default=120, gt=0, le=3600, description="Longest wait for one workbook to be read")
    batch_rows: int = Field(default=2000, ge=1, le=2000, description="Rows that are handed on at once")

    @field_validator("folder")
    @classmethod
    def _whole_path(cls, folder: str) -> str:
        return whole_path(folder)


def whole_path(folder: str) -> str:
    """The path without a trailing separator; raises ValueError when it depends on where the hub runs."""
    if not os.path.isabs(folder):
        raise ValueError("give the whole path, such as /data/drop")
    return os.path.normpath(folder)
