"""The two services the connector knows by itself: the typed one of its own WSDL, and JSON in texts as vendors make it."""

from __future__ import annotations

from collections.abc import Mapping

from connectors.mes.calls import Call, CallName

# -- the typed service (connectors/mes/wsdl/typed.wsdl) ---------------------------------------------------------------

_TYPED_PAGE = {
    "changedSince": "{since}",
    "changedUntil": "{until}",
    "pageIndex": "{page}",
    "pageSize": "{page_size}",
}
_EQUIPMENT = {
    "id": "equipmentId",
    "name": "name",
    "model": "model",
    "serial": "serialNo",
    "line": "line",
    "location": "location",
    "spare": "spareItemCode",
    "status": "status",
    "changed_at": "changedAt",
}
_DOWNTIME = {
    "id": "id",
    "device": "equipmentId",
    "line": "line",
    "shift": "shift",
    "reason_code": "reasonCode",
    "reason": "reasonText",
    "planned": "planned",
    "starts_at": "start",
    "ends_at": "end",
    "duration_s": "durationSec",
    "order": "orderNo",
    "actor": "reportedBy",
    "changed_at": "changedAt",
}
_OEE = {
    "id": "id",
    "device": "equipmentId",
    "line": "line",
    "shift": "shift",
    "starts_at": "from",
    "ends_at": "to",
    "planned_busy_time_s": "plannedBusyTime",
    "actual_production_time_s": "actualProductionTime",
    "planned_run_time_per_item_s": "plannedRunTimePerItem",
    "produced": "producedQty",
    "good": "goodQty",
    "target": "target",
    "availability": "availability",
    "performance": "performance",
    "quality": "quality",
    "oee": "oee",
    "changed_at": "changedAt",
}
_ORDER = {
    "id": "orderNo",
    "type": "type",
    "status": "status",
    "device": "equipmentId",
    "item": "itemCode",
    "quantity": "quantity",
    "done": "completedQty",
    "unit": "unit",
    "owner": "owner",
    "starts_at": "plannedStart",
    "due_at": "plannedEnd",
    "priority": "priority",
    "description": "description",
    "external_id": "externalNo",
    "request": "requestId",
    "changed_at": "changedAt",
}
_INSPECTION = {
    "id": "id",
    "item": "itemCode",
    "batch": "batchNo",
    "supplier": "supplierCode",
    "order": "orderNo",
    "inbound": "inbound",
    "result": "result",
    "inspected": "inspectedQty",
    "defects": "defectQty",
    "unit": "unit",
    "defect": "defectText",
    "inspector": "inspector",
    "inspected_at": "inspectedAt",
    "changed_at": "changedAt",
}


def _typed(operation: str, fields: Mapping[str, str], **more: str) -> Call:
    return Call(operation, {**more, **_TYPED_PAGE}, rows="row", total="total", as_of="asOf", fields=fields)


TYPED: Mapping[CallName, Call] = {
    "info": Call("GetServiceInfo", fields={"name": "name", "version": "version", "time": "time"}),
    "equipment": _typed("GetEquipment", _EQUIPMENT),
    "downtime": _typed("GetDowntimeEvents", _DOWNTIME),
    "oee": _typed("GetOEEPeriods", _OEE),
    "work_orders": _typed("GetWorkOrders", _ORDER),
    "inspections": _typed("GetInspections", _INSPECTION),
    "equipment_of": _typed("GetEquipment", _EQUIPMENT, equipmentId="{device}"),
    "downtime_of": _typed("GetDowntimeEvents", _DOWNTIME, equipmentId="{device}", **{"from": "{begin}", "to": "{end}"}),
    "oee_of": Call(
        "GetEquipmentOEE",
        {"equipmentId": "{device}", "from": "{begin}", "to": "{end}"},
        rows="row",
        as_of="asOf",
        fields=_OEE,
    ),
    "work_orders_of": _typed("GetWorkOrders", _ORDER, equipmentId="{device}"),
    "inspections_of_item": _typed("GetInspections", _INSPECTION, itemCode="{item}"),
    "inspections_of_batch": _typed("GetInspections", _INSPECTION, batchNo="{batch}"),
    "report": Call(
        "ReportWorkOrder",
        {
            "orderNo": "{order}",
            "equipmentId": "{device}",
            "type": "{type}",
            "priority": "{priority}",
            "description": "{description}",
            "requestId": "{request}",
        },
        fields={"accepted": "accepted", "duplicate": "duplicate", "order": "mesOrderNo", "message": "message"},
    ),
    "report_of": Call("GetWorkOrder", {"requestId": "{request}"}, rows="row", fields=_ORDER),
}

# -- a vendor's own .NET service with JSON in texts (connectors/mes/wsdl/json.wsdl) -------------------------------------


def _json(operation: str, fields: Mapping[str, str], where: str = "", order: str = "ChangedAt") -> Call:
    arguments = {
        "pageSize": "{page_size}",
        "pageIndex": "{page}",
        "isAsc": "true",
        "orderField": order,
        "sWhere": f"ChangedAt>='{{since}}'{where}",
    }
    return Call(operation, arguments, rows="data", total="total", as_of="time", fields=fields)


_JSON_OEE = {
    "id": "ID",
    "device": "EQPCode",
    "line": "LineCode",
    "shift": "ShiftCode",
    "starts_at": "BeginTime",
    "ends_at": "EndTime",
    "planned_busy_time_s": "PBT",
    "actual_production_time_s": "APT",
    "planned_run_time_per_item_s": "PRI",
    "produced": "Qty",
    "good": "GoodQty",
    "target": "TargetRate",
    "availability": "AvailRate",
    "performance": "PerfRate",
    "quality": "QualityRate",
    "oee": "OEE",
    "changed_at": "ChangedAt",
}
_JSON_DOWNTIME = {
    "id": "StopNo",
    "device": "EQPCode",
    "line": "LineCode",
    "shift": "ShiftCode",
    "reason_code": "ReasonCode",
    "reason": "ReasonName",
    "planned": "IsPlan",
    "starts_at": "BeginTime",
    "ends_at": "EndTime",
    "duration_s": "Seconds",
    "order": "WOCode",
    "actor": "ReportBy",
    "changed_at": "ChangedAt",
}
_JSON_ORDER = {
    "id": "WOCode",
    "type": "WOType",
    "status": "Status",
    "device": "EQPCode",
    "item": "ItemCode",
    "quantity": "PlanQty",
    "done": "FinishQty",
    "unit": "Unit",
    "owner": "Owner",
    "starts_at": "PlanBegin",
    "due_at": "PlanEnd",
    "priority": "Priority",
    "description": "Remark",
    "external_id": "ExtNo",
    "request": "RequestId",
    "changed_at": "ChangedAt",
}
_JSON_INSPECTION = {
    "id": "CheckNo",
    "item": "ItemCode",
    "batch": "LotNo",
    "supplier": "VendorCode",
    "order": "WOCode",
    "inbound": "IsIncoming",
    "result": "Result",
    "inspected": "CheckQty",
    "defects": "BadQty",
    "unit": "Unit",
    "defect": "BadReason",
    "inspector": "CheckBy",
    "inspected_at": "CheckTime",
    "changed_at": "ChangedAt",
}
_JSON_EQUIPMENT = {
    "id": "EQPCode",
    "name": "EQPName",
    "model": "Model",
    "serial": "SerialNo",
    "line": "LineCode",
    "location": "Location",
    "spare": "SpareItemCode",
    "status": "Status",
    "changed_at": "ChangedAt",
}
JSON: Mapping[CallName, Call] = {
    "info": Call("GetVersion", fields={"name": "data.Name", "version": "data.Version", "time": "time"}),
    "equipment": _json("GetEquipmentByPage", _JSON_EQUIPMENT),
    "downtime": _json("GetDownTimeByPage", _JSON_DOWNTIME),
    "oee": _json("GetOEEByPage", _JSON_OEE),
    "work_orders": _json("GetWorkOrderByPage", _JSON_ORDER),
    "inspections": _json("GetInspectionByPage", _JSON_INSPECTION),
    "equipment_of": _json("GetEquipmentByPage", _JSON_EQUIPMENT, " and EQPCode='{device}'"),
    "downtime_of": _json(
        "GetDownTimeByPage",
        _JSON_DOWNTIME,
        " and EQPCode='{device}' and BeginTime<='{end}' and (EndTime is null or EndTime>='{begin}')",
    ),
    "oee_of": Call(
        "GetEquipmentOEE",
        {"eqpCode": "{device}", "beginTime": "{begin}", "endTime": "{end}"},
        rows="data",
        as_of="time",
        fields=_JSON_OEE,
    ),
    "work_orders_of": _json("GetWorkOrderByPage", _JSON_ORDER, " and EQPCode='{device}'"),
    "inspections_of_item": _json("GetInspectionByPage", _JSON_INSPECTION, " and ItemCode='{item}'"),
    "inspections_of_batch": _json("GetInspectionByPage", _JSON_INSPECTION, " and LotNo='{batch}'"),
    "report": Call(
        "PostRepairOrder",
        json_argument="json",
        json_fields={
            "ExtNo": "{order}",
            "EQPCode": "{device}",
            "WOType": "{type}",
            "Priority": "{priority}",
            "Remark": "{description}",
            "RequestId": "{request}",
        },
        fields={"order": "data.WOCode", "message": "msg"},
    ),
    "report_of": Call(
        "GetWorkOrderByPage",
        {
            "pageSize": "1",
            "pageIndex": "1",
            "isAsc": "true",
            "orderField": "ChangedAt",
            "sWhere": "RequestId='{request}'",
        },
        rows="data",
        fields=_JSON_ORDER,
    ),
}
