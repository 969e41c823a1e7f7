"""Watching, naming, sub-tickets and links, as the people in question."""

from __future__ import annotations

import orjson

from tests.integration.together.house import Floor


def test_who_is_named_in_a_comment_watches_from_then_on_and_is_told_once(floor: Floor) -> None:
    ticket = floor.make()
    floor.do("li.na", ticket, "comment", text="@王五 请看一下，抄送 @zhao.liu @质量部，邮箱 a@b.com")
    told = floor.shown(ticket)
    assert told["watchers"] == ["wang.wu", "zhao.liu"]
    (notice,) = floor.notices(ticket, "mentioned")
    assert orjson.loads(notice.people) == ["wang.wu", "zhao.liu"]
    assert orjson.loads(notice.groups) == ["quality"]


def test_a_name_nobody_has_is_kept_and_said(floor: Floor) -> None:
    ticket = floor.make()
    floor.do("li.na", ticket, "comment", text="@nobody hello @wang.wu.")
    (entry,) = [e for e in floor.shown(ticket)["timeline"] if e["type"] == "comment"]
    assert entry["data"]["mentioned"] == ["wang.wu"]
    assert entry["data"]["unknown_mentions"] == ["nobody"]


def test_watching_begins_and_ends_and_twice_is_once(floor: Floor) -> None:
    ticket = floor.make()
    for _ in range(2):
        assert floor.do("wang.wu", ticket, "watch")["watchers"] == ["wang.wu"]
    assert floor.do("li.na", ticket, "watch", person="sun.qi")["watchers"] == ["sun.qi", "wang.wu"]
    assert floor.do("wang.wu", ticket, "unwatch")["watchers"] == ["sun.qi"]
    names = [e["name"] for e in floor.shown(ticket)["timeline"]]
    assert (names.count("watch"), names.count("unwatch")) == (2, 1)
    assert "there is nobody" in floor.do("li.na", ticket, "watch", 422, person="x.y")["detail"]


def test_a_parent_waits_for_the_children_it_requires_unless_there_is_a_reason(floor: Floor) -> None:
    parent = floor.make()
    child = floor.ask(
        "li.na", "POST", f"/{parent}/children", 201, json={"title": "换密封圈 seal", "assignee": "wang.wu"}
    )
    other = floor.ask("li.na", "POST", f"/{parent}/children", 201, json={"title": "拍照", "required": False})
    assert child["parent"]["id"] == parent
    shown = floor.shown(parent)
    assert [(c["id"], c["required"]) for c in shown["children"]] == [(child["id"], True), (other["id"], False)]
    assert shown["required"]["resolve"][0]["tickets"] == [child["id"]]
    refused = floor.do("li.na", parent, "resolve", 409, resolution="done", cause="wear")
    assert refused["title"] == "Something is missing"
    assert refused["tickets"] == [child["id"]]
    assert floor.shown(parent)["status"] == "pending"
    floor.do("li.na", parent, "resolve", resolution="done", cause="wear", why="客户要求先恢复生产")
    assert floor.shown(parent)["status"] == "resolved"


def test_a_parent_resolves_once_its_children_are(floor: Floor) -> None:
    parent = floor.make()
    child = floor.ask("li.na", "POST", f"/{parent}/children", 201, json={"title": "seal"})
    floor.do("li.na", child["id"], "resolve", resolution="done", cause="wear")
    floor.do("li.na", parent, "resolve", resolution="done", cause="wear")
    assert floor.shown(parent)["status"] == "resolved"


def test_families_have_no_circles_and_a_child_one_parent(floor: Floor) -> None:
    a, b, c = (floor.make(title=t) for t in "abc")
    floor.do("li.na", a, "add_child", other=b)
    floor.do("li.na", b, "add_child", other=c)
    assert "above" in floor.do("li.na", c, "add_child", 422, other=a)["detail"]
    assert "another ticket's child" in floor.do("li.na", a, "add_child", 422, other=c)["detail"]
    floor.do("li.na", b, "remove_child", other=c)
    floor.do("li.na", a, "add_child", other=c)
    assert [child["id"] for child in floor.shown(a)["children"]] == [b, c]


def test_links_are_seen_from_both_sides(floor: Floor) -> None:
    a, b = floor.make(title="a"), floor.make(title="b")
    floor.do("li.na", a, "link", other=b)
    assert [t["id"] for t in floor.shown(b)["linked"]] == [a]
    floor.do("li.na", b, "unlink", other=a)
    assert floor.shown(a)["linked"] == []
