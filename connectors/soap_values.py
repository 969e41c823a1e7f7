"""What a SOAP reply's values become: exact, JSON-like, and never silently null.

zeep itself makes floats of xsd:double, times without a zone of xsd:dateTime, and null of what it cannot read. Here
xsd:decimal, float and double become `Decimal`, xsd:dateTime an aware time in UTC, and every other kind its text. A
value that is not what its type promises (`abc` for a number) stays the text it is: who reads it sees the difference.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from connectors.errors import BadRecord
from connectors.exact import exact_number

XSD = "http://www.w3.org/2001/XMLSchema"
Reader = Callable[[str], Any]


def make_exact(schema: Any, zone: ZoneInfo) -> None:
    """Replace the built-in types of a zeep schema that has no documents yet. `zone`: of times that name none."""
    readers: Mapping[str, Reader] = {
        "Boolean": _flag,
        "Decimal": _number,
        "Float": _number,
        "Double": _number,
        "Integer": _whole,
        "DateTime": lambda text: _moment(text, zone),
        "String": _text,
        "AnyURI": str.strip,
    }
    for document in schema.documents.get_by_namespace(XSD, False):
        for instance in list(document._types.values()):
            document.register_type(instance.qname, _exact(type(instance), readers))


def plain(value: Any) -> Any:
    """A value of a parsed reply as maps, lists, texts, numbers and times; XML without a type as `element_to_plain`."""
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    inner = getattr(value, "__values__", None)
    if isinstance(inner, Mapping):
        return {str(key): plain(item) for key, item in inner.items()}
    if hasattr(value, "iterchildren"):
        return element_to_plain(value)
    if hasattr(value, "xsd_type"):
        return plain(value.value)
    return value


def element_to_plain(element: Any) -> Any:
    """An XML element as a map of its children by local name (a list where a name repeats), or as its text."""
    children: dict[str, Any] = {}
    for child in element.iterchildren(tag="*"):
        name = child.tag.rpartition("}")[2]
        value = element_to_plain(child)
        if name not in children:
            children[name] = value
        elif isinstance(children[name], list):
            children[name].append(value)
        else:
            children[name] = [children[name], value]
    return children or element.text


# -- one value --------------------------------------------------------------------------------------------------------


def _exact(kind: type, readers: Mapping[str, Reader]) -> Any:
    """An instance of zeep's type that reads exactly; types derived from it in a WSDL inherit that."""
    near = next((base.__name__ for base in kind.__mro__ if base.__name__ in readers), "")
    read = readers.get(near, str.strip)

    def pythonvalue(self: Any, value: str, schema: Any = None) -> Any:
        return read(value)

    return type(kind.__name__, (kind,), {"pythonvalue": pythonvalue, "__module__": __name__})(is_global=True)


def _text(text: str) -> str:
    return text


def _flag(text: str) -> bool | str:
    return {"true": True, "1": True, "false": False, "0": False}.get(text.strip(), text)


def _number(text: str) -> Any:
    try:
        return exact_number(text.strip())
    except BadRecord:
        return text


def _whole(text: str) -> int | str:
    digits = text.strip()
    sign_off = digits[1:] if digits[:1] in ("-", "+") else digits
    return int(digits) if sign_off.isascii() and sign_off.isdecimal() and len(digits) <= 100 else text


def _moment(text: str, zone: ZoneInfo) -> datetime | str:
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        return text
    return (found.replace(tzinfo=zone) if found.tzinfo is None else found).astimezone(UTC)
