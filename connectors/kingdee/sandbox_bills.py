"""What can be done to documents in the stand-in: View, Save, Draft, Submit, Audit, UnAudit, Delete, with Kingdee's
refusals, its life cycle (Z → A → B → C, back to D) and its partial successes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from connectors.kingdee.answers import is_true
from connectors.kingdee.sandbox_query import shown
from connectors.kingdee.sandbox_state import Doc, FormType, Refusal, State, User

TITLES = {
    "View": "查看",
    "Save": "保存",
    "Draft": "暂存",
    "Submit": "提交",
    "Audit": "审核",
    "UnAudit": "反审核",
    "Delete": "删除",
}
_STEPS = {  # operation → (statuses it is allowed in, status afterwards)
    "Submit": ("AD", "B"),
    "CancelAssign": ("B", "A"),
    "Audit": ("B", "C"),
    "UnAudit": ("C", "D"),
    "Delete": ("ZAD", ""),
}
_WORDS = {"Z": "暂存", "A": "创建", "B": "审核中", "C": "已审核", "D": "重新审核"}


class Bills:
    """The operations. `skips`: operations whose next call is accepted but handles nothing; `workflow`: whether an audit
    must come from the workflow; `own_numbers`: whether the site's numbering rule ignores a number that is sent."""

    def __init__(self, state: State) -> None:
        self._state = state
        self.skips: list[str] = []
        self.workflow = False
        self.own_numbers = False
        self.also_required: set[str] = set()
        self.drops_lines = 0

    def do(self, operation: str, form_id: str, data: Mapping[str, Any], user: User) -> dict[str, Any]:
        """The whole answer of an operation. Raises Refusal."""
        kind = self._state.form(form_id)
        if (kind.id, operation) in user.denied:
            raise Refusal(f"您没有【{kind.title}】的【{TITLES.get(operation, operation)}】权限，请联系系统管理员！", 1)
        if operation == "View":
            return self._view(kind, data)
        if operation in ("Save", "Draft"):
            model = data.get("Model")
            if not isinstance(model, dict) or not model:
                raise Refusal("Model不能为空", 8)
            saved = _entity(self._save(kind, model, data, draft=operation == "Draft"), kind)
            status = _status([{**saved, "DIndex": 0}], [])
            return {"Result": {"ResponseStatus": status, **saved, "NeedReturnData": [{}]}}
        if operation == "BatchSave":
            models = data.get("Model")
            if not isinstance(models, list) or not models:
                raise Refusal("Model不能为空", 8)
            return self._batch(kind, models, data)
        if operation in _STEPS:
            return self._step(operation, kind, data)
        raise Refusal(f"操作{operation}不存在")

    def _view(self, kind: FormType, data: Mapping[str, Any]) -> dict[str, Any]:
        number, id_ = data.get("Number"), str(data.get("Id") or "")
        doc = self._state.docs(kind.id).get(int(id_)) if id_.isdecimal() and id_ != "0" else None
        doc = doc or (self._state.numbered(kind.id, number) if number else None)
        if doc is None:
            raise Refusal(f"传递的编码值不存在{number or id_}")
        seen = {"Id": doc[kind.pk.lower()], **self._shown(kind.head, kind, doc)}
        if kind.entry:
            seen[kind.entry] = [{"Id": e[kind.entry_pk], **self._shown(kind.lines, kind, e)} for e in doc["entries"]]
        return {"Result": {"ResponseStatus": None, "Result": seen}}

    def _shown(self, names: Mapping[str, str], kind: FormType, values: Doc) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for key, name in names.items():
            raw = values.get(key)
            base = self._state.docs(kind.refs[key]).get(raw) if key in kind.refs and raw is not None else None
            if base is not None:
                number = self._state.form(kind.refs[key]).number.lower()
                raw = {"Id": raw, "Number": base.get(number), "Name": base.get("fname")}
            made[name.removeprefix("F")] = shown(raw)
        return made

    # -- saving ---------------------------------------------------------------------------------------------------------

    def _batch(self, kind: FormType, models: list[Any], data: Mapping[str, Any]) -> dict[str, Any]:
        saved, errors = [], []
        for place, model in enumerate(models):
            try:
                doc = self._save(kind, model, data, draft=False)
                saved.append({**_entity(doc, kind), "DIndex": place})
            except Refusal as refusal:
                errors += [(name, message, place) for name, message, _ in refusal.errors]
        if not saved:
            raise Refusal("", 9, errors)
        return {"Result": {"ResponseStatus": _status(saved, errors), "NeedReturnData": [{} for _ in saved]}}

    def _save(self, kind: FormType, model: Mapping[str, Any], data: Mapping[str, Any], *, draft: bool) -> Doc:
        given = {str(k).lower(): v for k, v in model.items()}
        old = self._state.docs(kind.id).get(int(given.get(kind.pk.lower()) or 0))
        strict = is_true(data.get("IsVerifyBaseDataField"))
        head = self._values(kind, kind.head, {k: v for k, v in given.items() if k != kind.entry.lower()}, strict)
        lines = [
            self._values(kind, {**kind.lines, "fentryid": ""}, _lower(e), strict)
            for e in given.get(kind.entry.lower()) or []
        ]
        if old is not None and old["fdocumentstatus"] not in "ZAD":
            raise Refusal(f"单据{old[kind.number.lower()]}{_WORDS[old['fdocumentstatus']]}，不能修改")
        self._must_be_new(kind, head, old)
        if not draft and old is None:
            self._must_be_whole(kind, head, lines)
        if self.drops_lines:
            lines = lines[: -self.drops_lines]
        now = self._state.clock()
        doc = old if old is not None else self._state.add(kind.id, fcreatedate=now, fdocumentstatus="A")
        doc |= {k: v for k, v in head.items() if k != kind.pk.lower()}
        doc |= {"fmodifydate": now, "fdocumentstatus": "Z" if draft else doc["fdocumentstatus"]}
        if not doc.get(kind.number.lower()) or (self.own_numbers and old is None):
            doc[kind.number.lower()] = f"CGSQ{self._state.new_id():06d}"
        self._put_lines(kind, doc, lines, whole=is_true(data.get("IsDeleteEntry", "true")))
        if is_true(data.get("IsAutoSubmitAndAudit")) and not draft:
            doc |= {"fdocumentstatus": "C", "fapprovedate": now}
        self._state.history.append(("Draft" if draft else "Save", kind.id, str(doc[kind.number.lower()])))
        return doc

    def _put_lines(self, kind: FormType, doc: Doc, lines: list[Doc], *, whole: bool) -> None:
        old = {line[kind.entry_pk]: line for line in doc["entries"]}
        kept = [] if whole else list(doc["entries"])
        for line in lines:
            number = int(line.pop("fentryid", 0) or 0)
            known = old.get(number)
            if known is not None:
                known |= line
                if whole:
                    kept.append(known)
            else:
                kept.append(self._state.line(kind, line, len(kept) + 1))
        doc["entries"] = kept

    def _must_be_new(self, kind: FormType, head: Doc, old: Doc | None) -> None:
        number = head.get(kind.number.lower())
        known = self._state.numbered(kind.id, number) if number and not self.own_numbers else None
        if known is not None and known is not old:
            message = f"单据编号“{number}”已存在，违反唯一性规则，请重新录入！"
            raise Refusal(message, 9, [(kind.number, message, 0)])

    def _must_be_whole(self, kind: FormType, head: Doc, lines: list[Doc]) -> None:
        required = kind.required | {key.lower() for key in self.also_required}
        errors = [
            (kind.head[key], f"字段“{kind.head[key]}”是必填项", 0)
            for key in sorted(required & kind.head.keys())
            if head.get(key) in (None, "")
        ]
        if kind.entry and not lines:
            errors.append((kind.entry, "单据体“明细信息”没有分录，请录入", 0))
        for place, line in enumerate(lines):
            errors += [
                (kind.lines[key], f"第{place + 1}行字段“{kind.lines[key]}”是必填项", place)
                for key in sorted(required & kind.lines.keys())
                if line.get(key) in (None, "")
            ]
        if errors:
            raise Refusal(errors[0][1], 9, errors)

    def _values(self, kind: FormType, names: Mapping[str, str], given: Mapping[str, Any], strict: bool) -> Doc:
        made: Doc = {}
        for key, value in given.items():
            if key not in names:
                continue  # Kingdee says nothing about a field it does not know
            made[key] = self._value(kind, key, value)
            if strict and key in kind.refs and made[key] is None and value:
                message = f"字段“{names[key]}”的值{value}在基础资料中不存在"
                raise Refusal(message, 9, [(names[key], message, 0)])
        return made

    def _value(self, kind: FormType, key: str, value: Any) -> Any:
        if key in kind.refs:
            number = next(iter(value.values()), None) if isinstance(value, dict) else value
            return self._state.id_of(kind.refs[key], number)  # an unknown base record is no value at all
        if "date" in key and isinstance(value, str):
            try:
                return datetime.fromisoformat(value)
            except ValueError as e:
                raise Refusal(f"字段“{key}”的值“{value}”不是有效的日期") from e
        if key.endswith("qty") or key.endswith("price"):
            try:
                return Decimal(str(value))
            except InvalidOperation as e:
                raise Refusal(f"字段“{key}”的值“{value}”不是数字") from e
        return value

    # -- the life cycle -------------------------------------------------------------------------------------------------

    def _step(self, operation: str, kind: FormType, data: Mapping[str, Any]) -> dict[str, Any]:
        asked = self._asked(kind, data)
        if not asked:
            raise Refusal("Numbers和Ids不能同时为空", 8)
        if operation in self.skips:
            self.skips.remove(operation)
            return {"Result": {"ResponseStatus": _status([], []), "NeedReturnData": [{}]}}
        done, errors = [], []
        for place, (name, doc) in enumerate(asked):
            why = self._why_not(operation, name, doc)
            if why or doc is None:
                errors.append(("", why, place))
                continue
            done.append({**_entity(doc, kind), "DIndex": place})
            self._state.history.append((operation, kind.id, str(doc[kind.number.lower()])))
            if operation == "Delete":
                del self._state.docs(kind.id)[doc[kind.pk.lower()]]
                continue
            doc["fdocumentstatus"] = _STEPS[operation][1]
            if operation == "Audit":
                doc["fapprovedate"] = self._state.clock()  # FModifyDate stays, as in Kingdee
        if not done:
            raise Refusal(errors[0][1], 9, errors)
        return {"Result": {"ResponseStatus": _status(done, errors), "NeedReturnData": [{} for _ in done]}}

    def _asked(self, kind: FormType, data: Mapping[str, Any]) -> list[tuple[str, Doc | None]]:
        """What the call is about; of ids given as a list only the first is handled, as in Kingdee."""
        numbers = data.get("Numbers") or []
        found = [(str(n), self._state.numbered(kind.id, n)) for n in numbers]
        ids = data.get("Ids") or ""
        for id_ in ids[:1] if isinstance(ids, list) else [i for i in str(ids).split(",") if i.strip()]:
            found.append((str(id_), self._state.docs(kind.id).get(int(id_))))
        return found

    def _why_not(self, operation: str, name: str, doc: Doc | None) -> str:
        if doc is None:
            return f"编号为“{name}”的单据不存在"
        if operation == "Audit" and self.workflow:
            return f"单据{name}已进入工作流，请在待办任务中审批"
        if doc["fdocumentstatus"] not in _STEPS[operation][0]:
            return f"单据{name}的状态为{_WORDS[doc['fdocumentstatus']]}，不能{TITLES.get(operation, operation)}"
        return ""


def _lower(given: Any) -> dict[str, Any]:
    return {str(k).lower(): v for k, v in given.items()} if isinstance(given, dict) else {}


def _entity(doc: Doc, kind: FormType) -> dict[str, Any]:
    return {"Id": doc[kind.pk.lower()], "Number": doc[kind.number.lower()]}


def _status(done: list[dict[str, Any]], errors: list[tuple[str, str, int]]) -> dict[str, Any]:
    """A ResponseStatus that says yes; what was left undone stands beside it."""
    told = [{"FieldName": name or None, "Message": message, "DIndex": place} for name, message, place in errors]
    return {"IsSuccess": True, "Errors": told, "SuccessEntitys": done, "SuccessMessages": [], "MsgCode": 0}
