"""The full-text index: tantivy (BM25), in a folder of this machine, made from the database and made anew at any time."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
import tantivy

from gateway.search.words import words

log = structlog.get_logger(__name__)

LAYOUT = "1"
"""Another number makes the index anew: change it with the fields below or the way words are made."""
QUERY_WORDS = 64
SHARED_LEAST = 2
"""So many different words two texts must share; one alone is a coincidence."""
_HEAP = 32 << 20


@dataclass(frozen=True, slots=True)
class Document:
    """A text to be found. `id` is unique; `kind` is `ticket` or `article`."""

    id: str
    kind: str
    title: str
    body: str


@dataclass(frozen=True, slots=True)
class Hit:
    """A document found: `shared` are the words it has in common with what was asked, the telling ones first."""

    id: str
    score: float
    shared: tuple[str, ...]


class SearchIndex:
    """One process writes a folder; others of the machine that were given the same only read it (`put` answers False)."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / f"search-{LAYOUT}"
        self._lock = threading.Lock()
        self._index: Any = None
        self._writer: Any = None

    def writable(self) -> bool:
        """Does this process write the index? False: another does, or this machine's disk does not let it."""
        with self._lock:
            return self._take_writer() is not None

    def put(self, documents: Iterable[Document], gone: Iterable[str] = ()) -> bool:
        """Add or replace documents and forget those that are gone. False: another process writes this index."""
        with self._lock:
            writer = self._take_writer()
            if writer is None:
                return False
            for id_ in gone:
                writer.delete_documents_by_term("id", id_)
            for document in documents:
                writer.delete_documents_by_term("id", document.id)
                title, body = words(document.title), words(document.body)
                writer.add_document(tantivy.Document(
                    id=document.id, kind=document.kind, title=" ".join(title), body=" ".join(body),
                ))  # fmt: skip
            writer.commit()
            self._index.reload()
            return True

    def similar(self, text: str, kind: str, *, without: Sequence[str] = (), limit: int = 3) -> list[Hit]:
        """The documents most like this text, the best first; those that share too little are left out. Raises OSError
        where the folder cannot be used."""
        asked = list(dict.fromkeys(words(text)))[:QUERY_WORDS]
        if not asked:
            return []
        with self._lock:
            index = self._open()
            index.reload()
            searcher = index.searcher()
        schema = index.schema
        should = [
            (tantivy.Occur.Should, tantivy.Query.boost_query(tantivy.Query.term_query(schema, field, word), boost))
            for word in asked
            for field, boost in (("title", 2.0), ("body", 1.0))
        ]
        of_kind = tantivy.Query.term_query(schema, "kind", kind)
        query = tantivy.Query.boolean_query(
            [(tantivy.Occur.Must, tantivy.Query.boolean_query(should)), (tantivy.Occur.Must, of_kind)]
        )
        hits: list[Hit] = []
        for score, address in searcher.search(query, limit=limit + len(without) + 10).hits:
            found = searcher.doc(address)
            held = set((found.get_first("title") + " " + found.get_first("body")).split())
            shared = tuple(word for word in asked if word in held)
            if found.get_first("id") not in without and len(shared) >= min(SHARED_LEAST, len(asked)):
                hits.append(Hit(found.get_first("id"), round(float(score), 3), shared))
        return hits[:limit]

    def clear(self) -> None:
        """Forget everything, to be filled anew."""
        with self._lock:
            writer = self._take_writer()
            if writer is not None:
                writer.delete_all_documents()
                writer.commit()

    def close(self) -> None:
        """Let another process write."""
        with self._lock:
            self._writer = self._index = None

    def _take_writer(self) -> Any:
        if self._writer is None:
            try:
                self._writer = self._open().writer(heap_size=_HEAP, num_threads=1)
            except (ValueError, OSError) as error:  # tantivy says so when the folder is locked by another writer
                log.info("search.read_only", reason=str(error)[:200])
        return self._writer

    def _open(self) -> Any:
        if self._index is None:
            self._folder.mkdir(parents=True, exist_ok=True)
            try:
                self._index = tantivy.Index(_schema(), path=str(self._folder))
            except ValueError as error:  # cut short by a crash of the machine: it is made from the database again
                log.warning("search.made_anew", reason=str(error)[:200])
                shutil.rmtree(self._folder)
                self._folder.mkdir(parents=True)
                self._index = tantivy.Index(_schema(), path=str(self._folder))
            split = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build()
            self._index.register_tokenizer("words", split)
        return self._index


def _schema() -> Any:
    builder = tantivy.SchemaBuilder()
    for name in ("id", "kind"):
        builder.add_text_field(name, stored=True, tokenizer_name="raw", index_option="basic")
    for name in ("title", "body"):
        builder.add_text_field(name, stored=True, tokenizer_name="words", index_option="freq")
    return builder.build()
