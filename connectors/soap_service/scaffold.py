"""The manifest that `weft connector new NAME --kind soap` writes: complete, and passing the exam as it is."""

from __future__ import annotations

TEXT = """\
# One file makes a connector. Try it as it is:   weft connector test {name}.yaml
# Then change it to what your service does; docs/no-code.md describes every line.
connector: {name}
kind: soap
title: {title}
title_zh: {title}（自定义）

config:                                  # beside `url`, `wsdl`, `soap_version`, `timeout_s`, `verify_tls`, `page_size`
  user: {{description: "User name of the account", sample: weft}}
  password: {{type: secret, description: "Its password"}}

auth: {{kind: wsse, username: "{{config.user}}", password: "{{config.password}}"}}   # none, basic, header, element

faults:                                  # what a fault means where its code does not say so
  - {{match: "no such order", means: unknown}}

check:
  call: {{operation: GetVersion, arguments: {{client: weft}}}}
  sample: "1.0"

streams:
  order:
    call:
      operation: GetOrders
      arguments: {{changedSince: "{{since}}", page: "{{page.number}}", size: "{{page.size}}"}}
    records: order
    paging: {{kind: page, total: total}}   # none, page, offset, token
    key: no
    fields: {{no: text, item: text, quantity: number, changedAt: datetime}}
    cursor: changedAt                    # leave out `cursor` (and {{since}}) to read everything each time
    lookback: 5m
    samples:
      - {{no: W-1, item: BRG-6205, quantity: 12.50, changedAt: "2026-11-01T08:00:00Z"}}

operations:
  report:
    title: Report pieces made
    title_zh: 报工
    key: [no]
    body: {{quantity: {{type: number, required: true, description: Good pieces}}}}
    call:
      operation: ReportOrder
      arguments: {{no: "{{key.no}}", quantity: "{{body.quantity}}", reference: "{{command.idempotency_key}}"}}
    external_id: ""
    confirm:
      call: {{operation: FindReport, arguments: {{reference: "{{command.idempotency_key}}"}}}}
      where: {{reference: "{{command.idempotency_key}}"}}
    sample: {{key: {{no: W-1}}, body: {{quantity: 3}}, answer: R-1}}

mappings:
  order:
    to: Order
    fields: {{id: no, kind: {{expr: "'work'", on_error: dead_letter}}, item: item, quantity: quantity, changed_at: changedAt}}
    tests:
      - in: {{no: W-1, item: BRG-6205, quantity: 12.50, changedAt: "2026-11-01T08:00:00Z"}}
        out: {{id: W-1, kind: work, quantity: 12.5}}

wsdl_text: |                             # the service's own WSDL; leave it out where `wsdl` or the address with ?wsdl gives it
{wsdl}"""

WSDL = """\
<definitions name="Orders" targetNamespace="urn:orders" xmlns="http://schemas.xmlsoap.org/wsdl/"
    xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/" xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:o="urn:orders">
  <types>
    <xsd:schema targetNamespace="urn:orders" elementFormDefault="qualified">
      <xsd:complexType name="Order">
        <xsd:sequence>
          <xsd:element name="no" type="xsd:string" nillable="true"/>
          <xsd:element name="item" type="xsd:string" minOccurs="0"/>
          <xsd:element name="quantity" type="xsd:decimal" minOccurs="0"/>
          <xsd:element name="changedAt" type="xsd:dateTime"/>
        </xsd:sequence>
      </xsd:complexType>
{elements}    </xsd:schema>
  </types>
{messages}  <portType name="OrdersPort">
{operations}  </portType>
  <binding name="OrdersBinding" type="o:OrdersPort">
    <soap:binding style="document" transport="http://schemas.xmlsoap.org/soap/http"/>
{bindings}  </binding>
  <service name="OrdersService">
    <port name="Orders" binding="o:OrdersBinding"><soap:address location="http://127.0.0.1/"/></port>
  </service>
</definitions>
"""
_OPERATIONS = {
    "GetVersion": (["client string 0"], ["version string 1"]),
    "GetOrders": (["changedSince dateTime 0", "page int 1", "size int 1"], ["total int 1", "order o:Order many"]),
    "ReportOrder": (["no string 1", "quantity decimal 1", "reference string 0"], ["report string 0"]),
    "FindReport": (["reference string 1"], ["reference string 0", "report string 0"]),
}
"""Operation → what goes in and what comes out: name, type, how often."""


def scaffold(name: str) -> str:
    """A new manifest."""
    wsdl = "".join(f"  {line}\n" for line in _wsdl().splitlines())
    return TEXT.format(name=name, title=name.replace("_", " ").capitalize(), wsdl=wsdl)


def _wsdl() -> str:
    elements = messages = operations = bindings = ""
    for name, (given, told) in _OPERATIONS.items():
        elements += _element(name, given) + _element(f"{name}Response", told)
        for each in (name, f"{name}Response"):
            messages += f'  <message name="{each}"><part name="parameters" element="o:{each}"/></message>\n'
        both = f'<input message="o:{name}"/><output message="o:{name}Response"/>'
        operations += f'    <operation name="{name}">{both}</operation>\n'
        bindings += (
            f'    <operation name="{name}"><soap:operation soapAction="urn:orders:{name}"/>\n'
            '      <input><soap:body use="literal"/></input><output><soap:body use="literal"/></output></operation>\n'
        )
    return WSDL.format(elements=elements, messages=messages, operations=operations, bindings=bindings)


def _element(name: str, fields: list[str]) -> str:
    inner = ""
    for field in fields:
        part, kind, often = field.split()
        bounds = {"0": ' minOccurs="0"', "1": "", "many": ' minOccurs="0" maxOccurs="unbounded"'}[often]
        told = kind if ":" in kind else f"xsd:{kind}"
        inner += f'          <xsd:element name="{part}" type="{told}"{bounds}/>\n'
    return (
        f'      <xsd:element name="{name}">\n        <xsd:complexType><xsd:sequence>\n{inner}'
        "        </xsd:sequence></xsd:complexType>\n      </xsd:element>\n"
    )
