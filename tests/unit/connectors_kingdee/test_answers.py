"""What Kingdee's answers mean: HTTP 200 in all its shapes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from connectors.errors import BadRecord
from connectors.kingdee.answers import Entity, Failure, handled, parsed, remarks

STATUS = {
    "ErrorCode": 500,
    "IsSuccess": False,
    "Errors": [{"FieldName": "FQty", "Message": "数量必须大于0", "DIndex": 0}],
    "SuccessEntitys": [],
    "MsgCode": 9,
}
RESULT = {"Result": {"ResponseStatus": STATUS}}


def failure(text: str) -> Failure | None:
    return parsed(text)[1]


@pytest.mark.parametrize(
    "answer",
    [
        RESULT,
        [[RESULT]],
        [RESULT],
        {"ResponseStatus": STATUS},
        {"Result": {"ResponseStatus": {**STATUS, "IsSuccess": "false"}}},
        json.dumps([[RESULT]]),
    ],
    ids=["result", "table of one cell", "list", "bare status", "success as text", "JSON in a JSON text"],
)
def test_a_refusal_is_found_in_every_shape(answer: Any) -> None:
    assert failure(json.dumps(answer)) == Failure("数量必须大于0", 9, (("FQty", "数量必须大于0"),))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('response_error:{"Message":"ctx == null","ErrorCode":500}', "ctx == null"),
        ("response_error:未将对象引用设置到对象的实例", "未将对象引用设置到对象的实例"),
        ("response_error:", "no reason given"),
        (f"response_error:{json.dumps(RESULT)}", "数量必须大于0"),
        ('"response_error:坏了"', "坏了"),
        ('{"errcode":5001,"description":"invalid signature"}', "invalid signature (errcode 5001)"),
    ],
)
def test_a_refusal_that_is_no_result_is_one_too(text: str, message: str) -> None:
    found = failure(text)
    assert found is not None
    assert found.message == message


@pytest.mark.parametrize(
    "answer",
    [
        [],
        [[]],
        [["M001", "螺丝", 12.5]],
        [[{"Id": 1}]],
        [{"FNumber": "M001"}],
        {"Result": {"ResponseStatus": {"IsSuccess": True, "Errors": []}}},
        {"Result": {"ResponseStatus": {"IsSuccess": "True"}}},
        {"errcode": 0, "data": []},
        [["会话信息已丢失"]],
        True,
    ],
)
def test_a_success_is_none_whatever_its_texts_say(answer: Any) -> None:
    assert failure(json.dumps(answer)) is None


@pytest.mark.parametrize("text", ["<html>502</html>", "", "{", "[NaN]"])
def test_what_is_no_answer_is_refused(text: str) -> None:
    with pytest.raises(BadRecord):
        parsed(text)


def test_a_byte_order_mark_does_no_harm() -> None:
    assert parsed('\ufeff[["a"]]') == ([["a"]], None)


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("会话信息已丢失，请重新登录", 1),
        ("会话信息已丢失，请重新登录", 0),
        ("用户未登录", 0),
        ("ctx == null", 500),
        ("Invalid session", 0),
        ("会话已过期", 0),
        ("whatever", 1),
    ],
)
def test_a_lost_session_is_known_by_its_code_or_its_words(message: str, code: int) -> None:
    assert Failure(message, code).session_lost


def test_a_missing_right_is_no_lost_session_though_it_has_the_same_code() -> None:
    told = Failure("您没有【物料】的【查看】权限，请联系系统管理员！", 1)
    assert told.no_right
    assert not told.session_lost


@pytest.mark.parametrize("message", ["事务与另一个进程被死锁", "网络控制：单据正在被其他用户操作", "服务器繁忙"])
def test_what_will_pass_is_known(message: str) -> None:
    assert Failure(message, 9).passing


def test_what_was_handled_is_read_off_the_entities_and_not_off_success() -> None:
    status = {
        "IsSuccess": True,
        "Errors": [{"Message": "B 不能提交", "DIndex": 1}],
        "SuccessEntitys": [{"Id": 7, "Number": "A"}],
    }
    answer = {"Result": {"ResponseStatus": status}}
    assert handled(answer) == (Entity("7", "A"),)
    assert remarks(answer).message == "B 不能提交"
    assert handled({"Result": {"ResponseStatus": {"IsSuccess": True, "SuccessEntitys": None}}}) == ()


def test_the_same_reason_of_many_lines_is_told_once() -> None:
    errors = [{"FieldName": None, "Message": "仓库必填", "DIndex": n} for n in range(3)]
    told = failure(json.dumps({"Result": {"ResponseStatus": {"IsSuccess": False, "Errors": errors}}}))
    assert told == Failure("仓库必填", 0, ())
