"""The full-text index: Chinese and English, replaced and forgotten documents, several processes on one folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.search.index import Document, SearchIndex
from gateway.search.words import MAX_TEXT, words

BEARING = Document("t1", "ticket", "7 号冲压机轴承温度过高", "更换深沟球轴承 BRG-6205，加注润滑脂")
DATABASE = Document("t2", "ticket", "Database server CPU is high", "Restarted the backup job")
ARTICLE = Document("a1", "article", "轴承温度过高的处理", "检查润滑，测振动，更换轴承 6205")


@pytest.fixture
def index(tmp_path: Path) -> Iterator[SearchIndex]:
    made = SearchIndex(tmp_path)
    assert made.put([BEARING, DATABASE, ARTICLE])
    yield made
    made.close()


def test_chinese_is_segmented_and_what_carries_nothing_is_left_out() -> None:
    assert words("7 号冲压机的轴承 ＢＲＧ-6205，温度过高！") == [
        "7", "号", "冲压", "压机", "冲压机", "轴承", "brg", "6205", "温度", "过高",
    ]  # fmt: skip


def test_a_text_of_any_length_is_bounded() -> None:
    assert len(words("word " * MAX_TEXT)) <= MAX_TEXT // 5


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("3 号机主轴轴承温度报警", "t1"),
        ("bearing BRG-6205 is worn", "t1"),
        ("the CPU of the database server", "t2"),
    ],
)
def test_a_ticket_is_found_by_what_it_is_about(index: SearchIndex, asked: str, expected: str) -> None:
    assert [hit.id for hit in index.similar(asked, "ticket")] == [expected]


def test_kinds_are_kept_apart(index: SearchIndex) -> None:
    assert [hit.id for hit in index.similar(BEARING.title, "article")] == ["a1"]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("Hydraulic pressure drops on press 7", "a2"),
        ("the pump of the hydraulics leaks oil", "a2"),
        ("Payment gateway 2: payments fail", "a3"),
    ],
)
def test_an_english_article_is_found_by_what_it_is_about(index: SearchIndex, asked: str, expected: str) -> None:
    index.put(
        [
            Document(
                "a2", "article", "Loss of hydraulic pressure", "Check the pump seal for leaking oil, then the valve"
            ),
            Document(
                "a3", "article", "Payment gateway failures", "Restart the gateway when its connection pool is used up"
            ),
        ]
    )
    assert [hit.id for hit in index.similar(asked, "article")] == [expected]


def test_one_shared_word_is_a_coincidence(index: SearchIndex) -> None:
    assert index.similar("轴承供应商的年度合同评审会议", "ticket") == []


def test_a_hit_says_which_words_it_shares(index: SearchIndex) -> None:
    assert index.similar("轴承 温度 泵", "ticket")[0].shared == ("轴承", "温度")


def test_a_ticket_is_not_similar_to_itself(index: SearchIndex) -> None:
    assert index.similar(BEARING.title, "ticket", without=["t1"]) == []


def test_a_document_put_again_replaces_the_old_one(index: SearchIndex) -> None:
    index.put([Document("t1", "ticket", "Pump leaks at the seal", "New seal")])
    assert index.similar(BEARING.title, "ticket") == []
    assert [hit.id for hit in index.similar("the pump leaks", "ticket")] == ["t1"]


def test_what_is_gone_is_found_no_more(index: SearchIndex) -> None:
    index.put([], gone=["t2"])
    assert index.similar(DATABASE.title, "ticket") == []


@pytest.mark.parametrize("asked", ["", "，。！", 'title:"x" AND (', "\x00\x01", "a" * 100_000, "的 了 and the"])
def test_any_text_can_be_asked(index: SearchIndex, asked: str) -> None:
    assert index.similar(asked, "ticket") == []


def test_a_second_process_reads_and_takes_over_when_the_first_ends(index: SearchIndex, tmp_path: Path) -> None:
    second = SearchIndex(tmp_path)
    assert not second.put([Document("t3", "ticket", "x", "y")])
    assert [hit.id for hit in second.similar(DATABASE.title, "ticket")] == ["t2"]
    index.close()
    assert second.put([Document("t3", "ticket", "Conveyor belt torn", "")])
    assert [hit.id for hit in second.similar("conveyor belt torn", "ticket")] == ["t3"]
    second.close()


def test_a_damaged_index_is_made_anew(tmp_path: Path) -> None:
    first = SearchIndex(tmp_path)
    first.put([BEARING])
    first.close()
    (damaged,) = tmp_path.glob("search-*/meta.json")
    damaged.write_bytes(b"{")
    again = SearchIndex(tmp_path)
    assert again.similar(BEARING.title, "ticket") == []
    assert again.put([BEARING])
    assert [hit.id for hit in again.similar(BEARING.title, "ticket")] == ["t1"]
    again.close()
