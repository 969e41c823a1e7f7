"""What the stand-in organization knows when it starts: the example company's customers, and what happened with them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from connectors.example_company import CUSTOMERS, ExampleCustomer
from connectors.salesforce.sandbox_state import Row, State

_NUMBERS = {"C0001": "EC-20260215-8891", "C0002": "ec20250708/1032", "C0003": "ＥＣ－20241130－0457"}
"""Customer numbers as three people typed them; the mapping makes one form of them."""
_PEOPLE = {
    "C0001": ("王", "芳", "设备科长", "wang.fang@jinggong.example"),
    "C0002": ("陈", "立", "采购经理", "chen.li@hengxin.example"),
    "C0003": ("Anke", "Petersen", "Head of Maintenance", "petersen@nordhafen.example"),
}
_HISTORY: dict[str, tuple[tuple[int, str, str, str], ...]] = {
    "C0001": (
        (3, "call", "王芳来电：7 号冲压机异响", "Inbound"),
        (12, "visit", "季度巡检", ""),
        (40, "mail", "备件报价", "Outbound"),
        (75, "call", "续保沟通", "Outbound"),
    ),
    "C0002": ((20, "mail", "样品寄送确认", "Outbound"), (58, "visit", "产线参观", "")),
    "C0003": (
        (1, "call", "Seal of feed pump 12 is leaking", "Inbound"),
        (9, "visit", "Commissioning of feed pump 12", ""),
        (33, "mail", "Maintenance contract", "Outbound"),
    ),
}
_CASES: dict[str, tuple[dict[str, Any], ...]] = {
    "C0001": (
        {"Subject": "加工件表面划伤", "Type": "投诉", "Priority": "High", "Status": "Closed", "days": 52},
        {"Subject": "咨询主轴保养周期", "Type": "Question", "Priority": "Low", "Status": "New", "days": 5},
    ),
    "C0002": ({"Subject": "交货期延误", "Type": "投诉", "Priority": "Medium", "Status": "Working", "days": 8},),
    "C0003": (),
}


def fill(state: State) -> dict[str, Row]:
    """Fills a new organization; the accounts by the customer's code in the ERP."""
    now = state.clock()
    return {customer.erp: _customer(state, customer, now) for customer in CUSTOMERS}


def _customer(state: State, customer: ExampleCustomer, now: datetime) -> Row:
    born = now - timedelta(days=400)
    account = state.put(
        "Account",
        born,
        Name=customer.name,
        AccountNumber=customer.crm,
        Type="Customer",
        Industry="Electronics" if "电子" in customer.name else "Machinery",
        Phone=customer.phone,
        BillingCity=customer.city,
        BillingCountry="Germany" if customer.city == "Hamburg" else "China",
        Customer_No__c=_NUMBERS[customer.erp],
        Credit_Code__c=customer.credit_code or None,
        SLA__c=customer.tier.capitalize(),
    )
    family, given, title, email = _PEOPLE[customer.erp]
    contact = state.put(
        "Contact",
        born,
        AccountId=account["Id"],
        LastName=family if not family.isascii() else given,
        FirstName=given if not family.isascii() else family,
        Title=title,
        Email=email,
        Phone=customer.phone,
    )
    who = {"WhatId": account["Id"], "WhoId": contact["Id"]}
    for days, kind, subject, direction in _HISTORY[customer.erp]:
        at = now - timedelta(days=days)
        if kind == "visit":
            times = {"StartDateTime": at.isoformat(), "EndDateTime": (at + timedelta(hours=2)).isoformat()}
            state.put("Event", at, Subject=subject, Location=customer.city, **who, **times)
        else:
            subtype = "Call" if kind == "call" else "Email"
            state.put("Task", at, Subject=subject, Status="Completed", TaskSubtype=subtype, CallType=direction,
                      ActivityDate=at.date().isoformat(), **who)  # fmt: skip
    for given_case in _CASES[customer.erp]:
        values = dict(given_case)
        at = now - timedelta(days=values.pop("days"))
        status = values.pop("Status")
        case = state.put("Case", at, AccountId=account["Id"], ContactId=contact["Id"], Origin="Phone", **values)
        if status != "New":
            state.change("Case", case["Id"], at + timedelta(days=1), Status=status)
    return account
