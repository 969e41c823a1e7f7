"""The canonical records."""

from __future__ import annotations

import pytest

from mappings import RECORDS, Kind

ALERT = """key episode status severity title description starts_at ends_at device device_name site customer metric value
unit url rule labels actor message acknowledged"""
READING = "device metric value text unit at quality seq site customer device_name labels"
OTHERS = """Ticket Customer Device Product Article StockLevel Supplier Interaction Order Delivery Downtime Oee Shift
VehicleSignal BomLine KnowledgeArticle SupplierScore Holiday Inspection Contact Person Team"""


def test_alert_and_reading_are_what_every_connector_aims_at() -> None:
    assert set(RECORDS["Alert"].fields) == set(ALERT.split())
    assert RECORDS["Alert"].required == ("key", "episode", "status")
    assert set(RECORDS["Reading"].fields) == set(READING.split())
    assert RECORDS["Reading"].required == ("device", "metric", "at")
    assert RECORDS["Alert"].fields["status"].choices == ("firing", "resolved", "update")
    assert RECORDS["Alert"].fields["value"].kind is Kind.NUMBER


def test_the_records_of_the_other_systems_are_there() -> None:
    assert set(RECORDS) == {"Alert", "Reading", *OTHERS.split()}


@pytest.mark.parametrize("name", sorted(RECORDS))
def test_every_field_says_what_it_is(name: str) -> None:
    record = RECORDS[name]
    assert record.doc
    assert record.key
    assert set(record.key) <= set(record.fields)
    for field in record.fields.values():
        assert field.doc
        assert field.kind not in (Kind.ANY, Kind.NULL)
