"""The tables of lineage. All times are microseconds since 1970 UTC.

A value's origin is not stored: a `prov` row names the plan (which mappings), the landing rows (what the sources said)
and the facts (what the hub knew), and the value is replayed from these three.
"""

from __future__ import annotations

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
)

metadata = MetaData()

_Id = BigInteger().with_variant(Integer, "sqlite")
_Ids = ARRAY(BigInteger).with_variant(LargeBinary, "sqlite")
"""Landing ids: an array on PostgreSQL; on SQLite one as a number, more as varints (`codec.pack_ids`)."""

dataset = Table(
    "lineage_dataset",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
)

field = Table(
    "lineage_field",
    metadata,
    Column("id", Integer, primary_key=True, comment="the field's bit in lineage_prov.fields"),
    Column("name", Text, nullable=False, unique=True),
)

plan = Table(
    "lineage_plan",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("sha256", Text, nullable=False, unique=True, comment="of prefix, names and versions"),
    Column(
        "body",
        Text,
        nullable=False,
        comment="JSON: prefix, stages [{name, version, functions, text}]",
    ),
)

dictionary = Table(
    "lineage_dictionary",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("dataset", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False, comment="a trained zstd dictionary"),
    Column("samples", Integer, nullable=False),
    Column("retired_at", BigInteger, comment="no longer compressed with: see erasure.rebuild"),
    Index("lineage_dictionary_dataset", "dataset", "id"),
    sqlite_autoincrement=True,
)

run = Table(
    "lineage_run",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("uuid", Text, nullable=False, unique=True, comment="the OpenLineage runId"),
    Column("job", Text, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Column("state", Text, nullable=False, comment="running, complete, fail"),
)

landing = Table(
    "lineage_landing",
    metadata,
    Column("id", _Id, primary_key=True),
    Column(
        "address",
        LargeBinary,
        nullable=False,
        unique=True,
        comment="8 bytes of the object's hash, 16 of the content's: versions of an object are neighbours",
    ),
    Column("read_at", BigInteger, nullable=False, comment="when this version was first read"),
    Column("run", BigInteger),
    Column("erased_at", BigInteger, comment="payload (or parts of it) erased; the skeleton stays"),
    Column("dataset", Integer, nullable=False),
    Column("dictionary", Integer, nullable=False, comment="the zstd dictionary of this payload; 0: none"),
    Column(
        "shared", Boolean, nullable=False, comment="feeds more than one record: its readers are in lineage_prov_src"
    ),
    Column("key", Text, nullable=False, comment="the object's key in its source"),
    Column("payload", LargeBinary, comment="zstd of the record's JSON (`codec`); NULL once dropped"),
)

block = Table(
    "lineage_block",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("dataset", Integer, nullable=False),
    Column("plan", Integer, comment="the plan by which each of its rows became a record; NULL: none did"),
    Column("read_at", BigInteger, nullable=False),
    Column("run", BigInteger),
    Column("actor", Text, nullable=False),
    Column("erased_at", BigInteger, comment="rows (or parts of them) erased; the skeleton stays"),
    Column("count", Integer, nullable=False),
    Column(
        "objects", LargeBinary, nullable=False, comment="8 bytes of each row's object hash, in the order of the rows"
    ),
    Column("payload", LargeBinary, nullable=False, comment="zstd of a line that says how, and a line a row (`blocks`)"),
)
"""Raw records of bulk reads, some hundred a row. A row of a block has a landing id of its own: see `blocks.row_id`."""

prov = Table(
    "lineage_prov",
    metadata,
    Column("rec", BigInteger, nullable=False, comment="global id of the record written"),
    Column(
        "seq",
        BigInteger,
        nullable=False,
        comment="rises with every write of this record: at * 1024, or the last one + 1",
    ),
    Column("at", BigInteger, nullable=False),
    Column("run", BigInteger),
    Column("plan", Integer, comment="NULL: as answered, or set by hand"),
    Column("fields", LargeBinary, nullable=False, comment="little-endian bitmap over lineage_field.id"),
    Column("src", _Ids, comment="landing ids; the first is the record that the plan's first stage read"),
    Column("actor", Text, nullable=False),
    Column("facts", Text, comment="JSON {name: {value, from, xref, rec, field, landing, path}}"),
    PrimaryKeyConstraint("rec", "seq"),
    sqlite_with_rowid=False,
)

prov_src = Table(
    "lineage_prov_src",
    metadata,
    Column("src", BigInteger, nullable=False, comment="landing id, or global id of the record a fact was taken from"),
    Column("rec", BigInteger, nullable=False),
    PrimaryKeyConstraint("src", "rec"),
    sqlite_with_rowid=False,
)
"""Reverse index, only for sources that feed more than one record: landing rows that say so, and other records."""

effect = Table(
    "lineage_effect",
    metadata,
    Column("rec", BigInteger, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("rule", Text, nullable=False),
    Column("dataset", Integer, nullable=False),
    Column("key", Text, nullable=False),
    Column("state", Text, nullable=False),
    PrimaryKeyConstraint("rec", "seq"),
    sqlite_with_rowid=False,
)

segment = Table(
    "lineage_segment",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", Text, nullable=False, comment="prov | landing | block"),
    Column("name", Text, nullable=False, unique=True, comment="SHA-256 of the file's content"),
    Column("first", BigInteger, nullable=False, comment="the number of its first row"),
    Column("last", BigInteger, nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("size", BigInteger, nullable=False, comment="bytes"),
    Column("first_at", BigInteger, nullable=False, comment="when the first of its rows was written or read"),
    Column("last_at", BigInteger, nullable=False),
    Column("made_at", BigInteger, nullable=False),
    Column("pruned_at", BigInteger, comment="since when only the skeletons of its rows are left"),
    Index("lineage_segment_covers", "kind", "first", "last"),
)
"""Rows that were moved out of the database into files: see `segments`, `sealing`."""

Index("lineage_prov_at", prov.c.at, postgresql_using="brin").ddl_if(dialect="postgresql")
