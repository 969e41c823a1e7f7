"""`connectors.soap`: what goes over the line, what comes back, and what every failure is called."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.errors import Ambiguous, AuthProblem, ConfigProblem, ConnectorError, Transient
from connectors.soap import Caller, FaultRule, Refused, SoapClient, SoapVersion, Unknown

ENVELOPE = {"1.1": "http://schemas.xmlsoap.org/soap/envelope/", "1.2": "http://www.w3.org/2003/05/soap-envelope"}
ADDRESS = "https://mes.example.test/soap"
SECRET = "the-key-of-the-hub"
Handler = Callable[[httpx.Request], httpx.Response]

WSDL = """<?xml version="1.0"?>
<w:definitions name="Stock" targetNamespace="urn:stock" xmlns:w="http://schemas.xmlsoap.org/wsdl/" xmlns:t="urn:stock"
    xmlns:s11="http://schemas.xmlsoap.org/wsdl/soap/" xmlns:s12="http://schemas.xmlsoap.org/wsdl/soap12/"
    xmlns:x="http://www.w3.org/2001/XMLSchema">
  <w:types><x:schema targetNamespace="urn:stock" elementFormDefault="qualified">
    {imports}
    <x:simpleType name="Quantity"><x:restriction base="x:double"/></x:simpleType>
    <x:element name="Get"><x:complexType><x:sequence>
      <x:element name="item" type="x:string"/><x:element name="day" type="x:date" minOccurs="0"/>
    </x:sequence></x:complexType></x:element>
    <x:element name="GetResponse"><x:complexType><x:sequence>
      <x:element name="quantity" type="t:Quantity"/>
      <x:element name="price" type="x:decimal" minOccurs="0"/>
      <x:element name="pieces" type="x:int" minOccurs="0"/>
      <x:element name="frozen" type="x:boolean" minOccurs="0"/>
      <x:element name="counted" type="x:dateTime" minOccurs="0"/>
      <x:element name="note" type="x:string" minOccurs="0" nillable="true"/>
      <x:element name="batch" type="x:string" minOccurs="0" maxOccurs="unbounded"/>
      <x:any minOccurs="0" maxOccurs="1" processContents="lax"/>
    </x:sequence></x:complexType></x:element>
  </x:schema></w:types>
  <w:message name="In"><w:part name="p" element="t:Get"/></w:message>
  <w:message name="Out"><w:part name="p" element="t:GetResponse"/></w:message>
  <w:portType name="P"><w:operation name="Get"><w:input message="t:In"/><w:output message="t:Out"/></w:operation></w:portType>
  <w:binding name="B11" type="t:P"><s11:binding transport="http://schemas.xmlsoap.org/soap/http"/>
    <w:operation name="Get"><s11:operation soapAction="urn:stock/Get"/>
      <w:input><s11:body use="literal"/></w:input><w:output><s11:body use="literal"/></w:output></w:operation></w:binding>
  <w:binding name="B12" type="t:P"><s12:binding transport="http://schemas.xmlsoap.org/soap/http"/>
    <w:operation name="Get"><s12:operation soapAction="urn:stock/Get"/>
      <w:input><s12:body use="literal"/></w:input><w:output><s12:body use="literal"/></w:output></w:operation></w:binding>
  <w:service name="Stock">
    <w:port name="Soap11" binding="t:B11"><s11:address location="http://elsewhere.invalid/stock"/></w:port>
    <w:port name="Soap12" binding="t:B12"><s12:address location="http://elsewhere.invalid/stock"/></w:port>
  </w:service>
</w:definitions>"""


def envelope(body: str, version: SoapVersion = "1.1") -> bytes:
    return f'<e:Envelope xmlns:e="{ENVELOPE[version]}"><e:Body>{body}</e:Body></e:Envelope>'.encode()


def stock(fields: str = "<quantity>1</quantity>") -> bytes:
    return envelope(f'<GetResponse xmlns="urn:stock">{fields}</GetResponse>')


def fault(code: str, reason: str = "it failed", detail: str = "") -> bytes:
    return envelope(f"<e:Fault><faultcode>{code}</faultcode><faultstring>{reason}</faultstring>{detail}</e:Fault>")


@pytest.fixture
def wsdl(tmp_path: Path) -> Path:
    path = tmp_path / "wsdl" / "stock.wsdl"
    path.parent.mkdir()
    path.write_text(WSDL.format(imports=""))
    return path


def client(wsdl: Path | str, answer: Handler | bytes, status: int = 200, **more: Any) -> SoapClient:
    """A client whose service always answers this."""

    def handle(request: httpx.Request) -> httpx.Response:
        return answer(request) if callable(answer) else httpx.Response(status, content=answer)

    return SoapClient(wsdl, ADDRESS, transport=httpx.MockTransport(handle), **more)


def call(wsdl: Path, answer: Handler | bytes, status: int = 200, *, write: bool = False, **more: Any) -> Any:
    return client(wsdl, answer, status, **more).call("Get", {"item": "BRG-6205"}, write=write)


# -- what comes back ----------------------------------------------------------------------------------------------------


def test_numbers_are_exact_even_where_the_wsdl_says_double(wsdl: Path) -> None:
    values = call(wsdl, stock("<quantity>0.1234567890123456789</quantity><price>18.5000</price><pieces>12</pieces>"))

    assert values["quantity"] == Decimal("0.1234567890123456789")
    assert str(values["price"]) == "18.5000"
    assert values["pieces"] == 12


def test_a_time_without_a_zone_is_in_the_zone_of_the_settings(wsdl: Path) -> None:
    told = "<quantity>1</quantity><counted>2026-11-22T08:00:00.1234567</counted>"

    values = call(wsdl, stock(told), zone=ZoneInfo("Asia/Shanghai"))

    assert values["counted"] == datetime(2026, 11, 22, 0, 0, 0, 123456, tzinfo=UTC)


def test_a_value_that_is_not_what_its_type_promises_stays_the_text_it_is(wsdl: Path) -> None:
    values = call(wsdl, stock("<quantity>NaN</quantity><pieces>abc</pieces><frozen>ja</frozen><counted>now</counted>"))

    assert (values["quantity"], values["pieces"], values["frozen"], values["counted"]) == ("NaN", "abc", "ja", "now")


def test_one_of_a_repeated_element_is_a_list_too_and_nil_is_null(wsdl: Path) -> None:
    nil = 'xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:nil="true"'

    values = call(wsdl, stock(f"<quantity>1</quantity><note {nil}/><batch>L-1</batch>"))

    assert values["batch"] == ["L-1"]
    assert values["note"] is None


def test_xml_that_the_wsdl_does_not_describe_becomes_maps_and_texts(wsdl: Path) -> None:
    values = call(wsdl, stock('<quantity>1</quantity><d:set xmlns:d="urn:d"><d:a>1</d:a><d:a>2</d:a></d:set>'))

    assert values["_value_1"] == {"a": ["1", "2"]}


def test_a_reply_in_gbk_is_read(wsdl: Path) -> None:
    body = stock("<quantity>1</quantity><note>深沟球轴承</note>").decode()

    values = call(wsdl, f'<?xml version="1.0" encoding="GB18030"?>{body}'.encode("gb18030"))

    assert values["note"] == "深沟球轴承"


# -- what goes out -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["1.1", "1.2"])
def test_the_action_travels_where_its_version_wants_it(wsdl: Path, version: SoapVersion) -> None:
    seen: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, content=stock().replace(ENVELOPE["1.1"].encode(), ENVELOPE[version].encode()))

    call(wsdl, handle, version=version)

    headers = seen[0].headers
    assert str(seen[0].url) == ADDRESS
    if version == "1.1":
        assert (headers["soapaction"], headers["content-type"]) == ('"urn:stock/Get"', "text/xml; charset=utf-8")
    else:
        assert headers["content-type"] == 'application/soap+xml; charset=utf-8; action="urn:stock/Get"'
        assert "soapaction" not in headers
    assert ENVELOPE[version].encode() in seen[0].content


def test_a_caller_shows_who_he_is_in_every_way_he_was_given(wsdl: Path) -> None:
    seen: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, content=stock())

    caller = Caller(
        http={"X-Api-Key": SECRET},
        basic=("hub", "basic-password"),
        wsse=("hub", "wsse-password"),
        headers={"{urn:k}Auth": {"Key": "header-key"}},
    )
    call(wsdl, handle, caller=caller)

    sent = seen[0].content.decode()
    assert seen[0].headers["x-api-key"] == SECRET
    assert seen[0].headers["authorization"].startswith("Basic ")
    assert '<Auth xmlns="urn:k"><Key>header-key</Key></Auth>' in sent
    assert "wsse-password</wsse:Password>" in sent
    assert "header-key" not in repr(caller)
    assert SECRET not in repr(caller)


def test_a_digest_is_sent_instead_of_the_password(wsdl: Path) -> None:
    seen: list[bytes] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request.content)
        return httpx.Response(200, content=stock())

    call(wsdl, handle, caller=Caller(wsse=("hub", "wsse-password"), digest=True))

    assert b"PasswordDigest" in seen[0]
    assert b"wsse-password" not in seen[0]


@pytest.mark.parametrize("arguments", [{}, {"item": "x", "colour": "red"}, {"item": {"a": 1}}])
def test_arguments_that_do_not_fit_are_refused_before_anything_is_sent(wsdl: Path, arguments: dict[str, Any]) -> None:
    def handle(request: httpx.Request) -> httpx.Response:
        raise AssertionError("called")

    with pytest.raises(Refused, match="arguments do not fit Get"):
        client(wsdl, handle).call("Get", arguments, write=True)


def test_an_operation_the_wsdl_does_not_have_is_named_with_those_it_has(wsdl: Path) -> None:
    with pytest.raises(ConfigProblem, match="no operation 'Put'; it has Get"):
        client(wsdl, b"").call("Put", {})


def test_operations_are_told_with_their_signatures(wsdl: Path) -> None:
    assert client(wsdl, b"").operations()["Get"].startswith("(item: xsd:string, day: xsd:date) -> quantity:")


def test_importing_and_making_a_client_loads_neither_zeep_nor_the_wsdl() -> None:
    code = "import sys, connectors.soap as s; s.SoapClient('/nowhere', 'http://x'); assert not {'zeep', 'lxml'} & {*sys.modules}"

    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


# -- faults --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "read", "write"),
    [
        ("e:Client", Refused, Refused),
        ("e:Server", Transient, Ambiguous),
        ("e:Client.Authentication", AuthProblem, AuthProblem),
        ("wsse:FailedAuthentication", AuthProblem, AuthProblem),
        ("e:VersionMismatch", ConfigProblem, ConfigProblem),
        ("e:MustUnderstand", Refused, Refused),
        ("odd", Transient, Ambiguous),
    ],
)
@pytest.mark.parametrize("status", [200, 500])
def test_a_fault_means_what_its_code_says_whatever_the_status(
    wsdl: Path, code: str, read: type[ConnectorError], write: type[ConnectorError], status: int
) -> None:
    answer = fault(code).replace(b"<e:Fault>", b'<e:Fault xmlns:wsse="urn:w">')

    with pytest.raises(read) as first:
        call(wsdl, answer, status)
    with pytest.raises(write) as second:
        call(wsdl, answer, status, write=True)

    assert (type(first.value), type(second.value)) == (read, write)


def test_a_fault_of_soap_1_2_is_read_with_its_subcodes_and_detail(wsdl: Path) -> None:
    body = (
        "<e:Fault><e:Code><e:Value>e:Receiver</e:Value><e:Subcode><e:Value>m:NoStock</e:Value></e:Subcode></e:Code>"
        '<e:Reason><e:Text xml:lang="en">not today</e:Text></e:Reason><e:Detail><x>shelf 7</x></e:Detail></e:Fault>'
    )
    rules = [FaultRule(match="nostock", means="unknown")]

    with pytest.raises(Unknown, match=r"Receiver NoStock: not today \(shelf 7\)") as raised:
        call(wsdl, envelope(body, "1.2"), 500, version="1.2", faults=rules)

    assert raised.value.fault.codes == ("Receiver", "NoStock")


@pytest.mark.parametrize(
    ("means", "kind"), [("auth", AuthProblem), ("refused", Refused), ("unknown", Unknown), ("busy", Transient)]
)
def test_a_rule_tells_what_a_server_fault_means(wsdl: Path, means: Any, kind: type[ConnectorError]) -> None:
    answer = fault("e:Server", "Server was unable to process request. ---&gt; 钥匙无效")

    with pytest.raises(kind) as raised:
        call(wsdl, answer, 500, write=True, faults=[FaultRule(match="钥匙无效", means=means)])

    assert type(raised.value) is kind


def test_a_rule_that_is_no_regular_expression_is_refused() -> None:
    with pytest.raises(ValueError, match="is no regular expression"):
        FaultRule(match="(", means="auth")


def test_a_secret_in_a_fault_is_not_told(wsdl: Path) -> None:
    with pytest.raises(Refused) as raised:
        call(wsdl, fault("e:Client", f"bad key {SECRET}"), 500, caller=Caller(http={"K": SECRET}))

    assert SECRET not in f"{raised.value} {raised.value.fault!r}"


# -- lies and accidents --------------------------------------------------------------------------------------------------

XXE = b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + stock("<quantity>1</quantity><note>&x;</note>")
LAUGHS = b'<!DOCTYPE a [<!ENTITY b "ha"><!ENTITY c "&b;&b;&b;&b;&b;&b;">]>' + stock(
    "<quantity>1</quantity><note>&c;</note>"
)
EXTERNAL = b'<!DOCTYPE a SYSTEM "http://elsewhere.invalid/a.dtd">' + stock()


@pytest.mark.parametrize("answer", [XXE, LAUGHS, EXTERNAL])
def test_a_document_type_is_refused_and_nothing_it_names_is_opened(wsdl: Path, answer: bytes) -> None:
    with pytest.raises(ConfigProblem, match="document type"):
        call(wsdl, answer)
    with pytest.raises(Ambiguous, match="document type"):
        call(wsdl, answer, write=True)


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (stock()[:-20], 200),
        (b"<html><body>502 Bad Gateway</body></html>", 200),
        (b"<html><body>Runtime Error</body></html>", 500),
        (b"\x00\xff", 200),
        (b"", 200),
        (b"<a/>", 200),
        (b"", 408),
    ],
)
def test_what_is_no_reply_leaves_a_write_in_doubt_and_a_read_to_be_repeated(
    wsdl: Path, answer: bytes, status: int
) -> None:
    with pytest.raises(Transient):
        call(wsdl, answer, status)
    with pytest.raises(Ambiguous):
        call(wsdl, answer, status, write=True)


@pytest.mark.parametrize(
    "answer",
    [envelope('<Other xmlns="urn:stock"/>'), envelope(""), stock("<quantity>1</quantity><x/><y/>")],
)
def test_a_reply_that_does_not_fit_the_wsdl_is_no_result_of_nulls(wsdl: Path, answer: bytes) -> None:
    with pytest.raises(ConfigProblem, match="does not fit the WSDL"):
        call(wsdl, answer)


@pytest.mark.parametrize(
    ("status", "headers", "kind"),
    [
        (401, {}, AuthProblem),
        (403, {}, AuthProblem),
        (404, {}, ConfigProblem),
        (415, {}, ConfigProblem),
        (302, {"location": "https://login.example.test/?x=1"}, ConfigProblem),
        (503, {"retry-after": "9"}, Transient),
        (429, {"retry-after": "9"}, Transient),
    ],
)
def test_a_status_is_named_by_what_must_happen_next(
    wsdl: Path, status: int, headers: dict[str, str], kind: type[ConnectorError]
) -> None:
    with pytest.raises(kind) as raised:
        call(wsdl, lambda request: httpx.Response(status, headers=headers, text="no"), write=True)

    assert type(raised.value) is kind
    assert getattr(raised.value, "retry_after", 9) == 9


def test_an_answer_without_end_is_cut_off(wsdl: Path) -> None:
    with pytest.raises(Transient, match="larger than 64 KiB"):
        call(wsdl, b" " * (1 << 17) + stock(), max_bytes=1 << 16)


def test_a_slow_drip_is_bounded_as_a_whole(wsdl: Path) -> None:
    class Drip(httpx.SyncByteStream):
        def __iter__(self) -> Any:
            while True:
                threading.Event().wait(0.02)
                yield b" " * (1 << 16)

    began = time.monotonic()
    with pytest.raises(Transient, match="not answered in time"):
        call(wsdl, lambda request: httpx.Response(200, stream=Drip()), timeout_s=0.3)

    assert time.monotonic() - began < 3


def test_nobody_there_means_nothing_happened_even_for_a_write(wsdl: Path) -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    with pytest.raises(Transient):
        call(wsdl, refuse, write=True)


def test_an_untrusted_certificate_is_for_a_person(wsdl: Path) -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed", request=request)

    with pytest.raises(ConfigProblem, match="certificate"):
        call(wsdl, refuse)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_whatever_is_cut_or_changed_in_a_reply_ends_in_a_result_or_a_typed_error(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzz.wsdl"
    if not path.exists():
        path.write_text(WSDL.format(imports=""))
    body = stock("<quantity>1</quantity><counted>2026-11-22T08:00:00Z</counted><batch>a</batch>")
    at = data.draw(st.integers(0, len(body) - 1))
    till = data.draw(st.integers(at, min(len(body), at + 40)))
    changed = body[:at] + data.draw(st.binary(max_size=6)) + body[till:]
    with contextlib.suppress(ConnectorError):
        call(path, changed)


# -- the WSDL ------------------------------------------------------------------------------------------------------------


def test_a_wsdl_is_fetched_once_from_its_url_and_its_own_address_is_never_called() -> None:
    asked: list[tuple[str, str]] = []

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append((request.method, str(request.url)))
        return httpx.Response(200, content=WSDL.format(imports="") if request.method == "GET" else stock())

    service = client(f"{ADDRESS}?wsdl", handle)
    service.call("Get", {"item": "a"})
    service.call("Get", {"item": "b"})

    assert asked == [("GET", f"{ADDRESS}?wsdl"), ("POST", ADDRESS), ("POST", ADDRESS)]


@pytest.mark.parametrize(
    "imports",
    [
        '<x:import namespace="urn:o" schemaLocation="http://elsewhere.invalid/o.xsd"/>',
        '<x:import namespace="urn:o" schemaLocation="file:///etc/hostname"/>',
        '<x:import namespace="urn:o" schemaLocation="o.xsd"/>',
        '<x:include schemaLocation="/etc/hostname"/>',
    ],
)
def test_a_fetched_wsdl_opens_nothing_else(imports: str) -> None:
    asked: list[str] = []

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(200, content=WSDL.format(imports=imports))

    with pytest.raises(ConfigProblem, match="refers to"):
        client(f"{ADDRESS}?wsdl", handle).call("Get", {"item": "a"})

    assert asked == [f"{ADDRESS}?wsdl"]


@pytest.mark.parametrize("location", ["../secret.xsd", "/etc/hostname", "file:///etc/hostname"])
def test_a_wsdl_file_reads_only_what_lies_beside_it(wsdl: Path, location: str) -> None:
    (wsdl.parent.parent / "secret.xsd").write_text("<x/>")
    wsdl.write_text(WSDL.format(imports=f'<x:import namespace="urn:o" schemaLocation="{location}"/>'))

    with pytest.raises(ConfigProblem, match="not lie beside it"):
        call(wsdl, stock())


def test_a_schema_beside_the_wsdl_is_read(wsdl: Path) -> None:
    (wsdl.parent / "o.xsd").write_text('<x:schema xmlns:x="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:o"/>')
    wsdl.write_text(WSDL.format(imports='<x:import namespace="urn:o" schemaLocation="o.xsd"/>'))

    assert call(wsdl, stock())["quantity"] == 1


def test_a_document_type_in_a_wsdl_is_refused(wsdl: Path) -> None:
    wsdl.write_text(WSDL.format(imports="").replace("<w:def", '<!DOCTYPE a [<!ENTITY x "y">]><w:def', 1))

    with pytest.raises(ConfigProblem, match="can't be used"):
        call(wsdl, stock())


@pytest.mark.parametrize("text", ["", "<html/>", "no xml", "<a", WSDL.format(imports="<x:element/>")])
def test_what_is_no_wsdl_is_for_a_person(wsdl: Path, text: str) -> None:
    wsdl.write_text(text)

    with pytest.raises(ConfigProblem):
        call(wsdl, stock())


def test_a_wsdl_that_cannot_be_had_now_is_asked_for_again_later() -> None:
    answers = [
        httpx.Response(502),
        httpx.Response(200, text=WSDL.format(imports="")),
        httpx.Response(200, content=stock()),
    ]
    service = client(f"{ADDRESS}?wsdl", lambda request: answers.pop(0))

    with pytest.raises(Transient):
        service.call("Get", {"item": "a"})

    assert service.call("Get", {"item": "a"})["quantity"] == 1


def test_a_version_or_port_the_wsdl_does_not_have_is_named_with_what_it_has(wsdl: Path) -> None:
    with pytest.raises(
        ConfigProblem, match=r"no port for SOAP 1\.1 of the name Shop/; it has Stock/Soap11, Stock/Soap12"
    ):
        call(wsdl, stock(), service="Shop")
