"""The objects of the stand-in organization and their columns, as far as the hub and people who try it need them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Type = Literal["id", "string", "textarea", "picklist", "boolean", "double", "datetime", "date", "reference", "phone"]


@dataclass(slots=True)
class Column:
    """A column. `hidden` and `read_only` are field-level security of the hub's user; `system`: nobody may write it."""

    name: str
    type: Type = "string"
    length: int = 255
    label: str = ""
    required: bool = False
    system: bool = False
    external_id: bool = False
    unique: bool = False
    values: tuple[str, ...] = ()
    restricted: bool = False
    to: tuple[str, ...] = ()
    relationship: str = ""
    hidden: bool = False
    read_only: bool = False


@dataclass(slots=True)
class SObject:
    """An object. `readable` ... `deletable`: object permissions of the hub's user."""

    name: str
    prefix: str
    columns: dict[str, Column]
    children: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Child relationship: (object, its column that points here)."""
    readable: bool = True
    createable: bool = True
    updateable: bool = True
    deletable: bool = True


def _id(name: str, to: str = "", relationship: str = "", *, system: bool = False) -> Column:
    targets = tuple(to.split())
    return Column(name, "reference" if to else "id", 18, system=system or not to, to=targets, relationship=relationship)


def _pick(name: str, values: str, *, restricted: bool = False) -> Column:
    return Column(name, "picklist", values=tuple(values.split("|")), restricted=restricted)


def _system() -> list[Column]:
    return [
        _id("Id"),
        Column("IsDeleted", "boolean", system=True),
        Column("CreatedDate", "datetime", system=True),
        _id("CreatedById", "User", "CreatedBy", system=True),
        Column("LastModifiedDate", "datetime", system=True),
        _id("LastModifiedById", "User", "LastModifiedBy", system=True),
        Column("SystemModstamp", "datetime", system=True),
    ]


def _object(name: str, prefix: str, *columns: Column, **children: tuple[str, str]) -> SObject:
    made = {column.name: column for column in (*_system(), *columns)}
    return SObject(name, prefix, made, children)


def _activity() -> list[Column]:
    return [
        _id("AccountId", "Account", "Account", system=True),
        _id("WhoId", "Contact", "Who"),
        _id("WhatId", "Account Case", "What"),
        Column("Subject"),
        Column("Description", "textarea", 32000),
        _id("OwnerId", "User", "Owner"),
        Column("ActivityDate", "date"),
        Column("Location"),
    ]


def schema() -> dict[str, SObject]:
    """A new organization's objects, by name."""
    return {each.name: each for each in (*_customers(), *_cases(), *_activities(), *_administration())}


def _customers() -> list[SObject]:
    return [
        _object(
            "Account",
            "001",
            Column("Name", required=True),
            Column("AccountNumber", length=40),
            _pick("Type", "Customer|Partner|Prospect|Other"),
            _pick("Industry", "Machinery|Electronics|Energy|Manufacturing|Other"),
            _pick("Rating", "Hot|Warm|Cold"),
            Column("Phone", "phone", 40),
            Column("Website"),
            _id("ParentId", "Account", "Parent"),
            Column("BillingStreet", "textarea"),
            Column("BillingCity", length=40),
            Column("BillingCountry", length=80),
            _id("OwnerId", "User", "Owner"),
            Column("Customer_No__c", length=40, external_id=True, label="客户编号"),
            Column("Credit_Code__c", length=18, label="统一社会信用代码"),
            Column("SLA__c", "picklist", values=("Gold", "Silver", "Bronze")),
            Column("Health_Score__c", "double", label="健康度"),
            Contacts=("Contact", "AccountId"),
            Cases=("Case", "AccountId"),
            Tasks=("Task", "AccountId"),
            Events=("Event", "AccountId"),
        ),
        _object(
            "Contact",
            "003",
            _id("AccountId", "Account", "Account"),
            Column("FirstName", length=40),
            Column("LastName", length=80, required=True),
            Column("Name", system=True),
            Column("Title", length=128),
            Column("Department", length=80),
            Column("Phone", "phone", 40),
            Column("MobilePhone", "phone", 40),
            Column("Email", length=80),
            Column("MailingCity", length=40),
            _id("OwnerId", "User", "Owner"),
        ),
    ]


def _cases() -> list[SObject]:
    return [
        _object(
            "Case",
            "500",
            Column("CaseNumber", system=True),
            _id("AccountId", "Account", "Account"),
            _id("ContactId", "Contact", "Contact"),
            Column("Subject"),
            Column("Description", "textarea", 32000),
            _pick("Type", "Complaint|投诉|Question|Problem|Feature Request"),
            _pick("Reason", "Installation|Performance|Breakdown|Feedback|Other"),
            _pick("Status", "New|Working|Escalated|Closed", restricted=True),
            _pick("Priority", "High|Medium|Low", restricted=True),
            _pick("Origin", "Phone|Email|Web"),
            Column("IsClosed", "boolean", system=True),
            Column("IsEscalated", "boolean"),
            Column("ClosedDate", "datetime", system=True),
            _id("OwnerId", "User", "Owner"),
            Column("Weft_Ticket__c", length=30, external_id=True, unique=True, label="Weft 工单号"),
            Histories=("CaseHistory", "CaseId"),
            CaseComments=("CaseComment", "ParentId"),
        ),
        _object(
            "CaseComment",
            "00a",
            _id("ParentId", "Case", "Parent"),
            Column("CommentBody", "textarea", 4000),
            Column("IsPublished", "boolean"),
        ),
        _object(
            "CaseHistory",
            "017",
            _id("CaseId", "Case", "Case", system=True),
            Column("Field", system=True),
            Column("OldValue", system=True),
            Column("NewValue", system=True),
        ),
        _object(
            "CaseStatus",
            "01J",
            Column("MasterLabel", system=True),
            Column("ApiName", system=True),
            Column("IsClosed", "boolean", system=True),
            Column("IsDefault", "boolean", system=True),
        ),
    ]


def _activities() -> list[SObject]:
    return [
        _object(
            "Task",
            "00T",
            *_activity(),
            _pick("Status", "Not Started|In Progress|Completed|Waiting on someone else|Deferred"),
            _pick("Priority", "High|Normal|Low"),
            _pick("TaskSubtype", "Task|Email|Call"),
            _pick("CallType", "Inbound|Outbound|Internal"),
            Column("IsClosed", "boolean", system=True),
            Column("CompletedDateTime", "datetime", system=True),
        ),
        _object(
            "Event",
            "00U",
            *_activity(),
            Column("StartDateTime", "datetime"),
            Column("EndDateTime", "datetime"),
            Column("IsAllDayEvent", "boolean"),
        ),
    ]


def _administration() -> list[SObject]:
    return [
        _object("User", "005", Column("Name"), Column("Username"), Column("Email"), Column("IsActive", "boolean")),
        _object(
            "Organization",
            "00D",
            Column("Name"),
            Column("OrganizationType"),
            Column("InstanceName"),
            Column("IsSandbox", "boolean"),
        ),
    ]
