"""The canonical records: what every mapping aims at, whatever system it reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mappings.values import Kind


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its kind, unit (empty: none, or in a field beside it), what it means, and whether it must have a
    value. `choices`: the only texts allowed. `precision` and `scale` as in SQL's decimal(18,4)."""

    name: str
    kind: Kind
    doc: str = ""
    required: bool = False
    unit: str = ""
    choices: tuple[str, ...] = ()
    precision: int | None = None
    scale: int | None = None

    @property
    def type(self) -> str:
        """As written under `type:` in a mapping."""
        return f"decimal({self.precision},{self.scale})" if self.precision is not None else str(self.kind)


@dataclass(frozen=True, slots=True)
class RecordType:
    """A canonical record: its fields in order, and those that identify one."""

    name: str
    doc: str
    key: tuple[str, ...]
    fields: Mapping[str, Field]

    @property
    def required(self) -> tuple[str, ...]:
        return tuple(name for name, field in self.fields.items() if field.required)


SEVERITIES = ("critical", "major", "minor", "warning", "info")
QUALITIES = ("good", "bad", "stale", "held")
"""held: the last value again, kept by the hub because no new one came."""
PRIORITIES = ("P0", "P1", "P2", "P3")

RECORDS: dict[str, RecordType] = {}


def _record(name: str, doc: str, key: str, *fields: Field) -> RecordType:
    record = RecordType(name, doc, tuple(key.split()), {field.name: field for field in fields})
    RECORDS[name] = record
    return record


def _text(name: str, doc: str, *, required: bool = False, choices: tuple[str, ...] = ()) -> Field:
    return Field(name, Kind.TEXT, doc, required, choices=choices)


def _number(name: str, doc: str, unit: str = "", *, required: bool = False) -> Field:
    return Field(name, Kind.NUMBER, doc, required, unit)


def _int(name: str, doc: str) -> Field:
    return Field(name, Kind.INT, doc)


def _time(name: str, doc: str, *, required: bool = False) -> Field:
    return Field(name, Kind.DATETIME, doc, required)


def _bool(name: str, doc: str) -> Field:
    return Field(name, Kind.BOOL, doc)


def _map(name: str, doc: str) -> Field:
    return Field(name, Kind.MAP, doc)


ALERT = _record(
    "Alert",
    "Something a monitoring system reports about a device: it fires, it is updated, it is resolved.",
    "key",
    _text("key", "the alert series in its source (fingerprint, trigger id + host)", required=True),
    _text("episode", "this occurrence of it (startsAt, problem event id)", required=True),
    _text(
        "status",
        "update: an acknowledgement, comment or change of severity, no new state",
        required=True,
        choices=("firing", "resolved", "update"),
    ),
    _text("severity", "how bad, in the hub's words", choices=SEVERITIES),
    _text("title", "one line for people"),
    _text("description", "more of it"),
    _time("starts_at", "when it began"),
    _time("ends_at", "when it ended; null while it lasts"),
    _text("device", "local id of the device in the source"),
    _text("device_name", "its name there"),
    _text("site", "local id of the site in the source"),
    _text("customer", "local id of the customer in the source"),
    _text("metric", "what crossed its threshold"),
    _number("value", "the value that crossed, in `unit`"),
    _text("unit", "unit of `value`"),
    _text("url", "link into the source"),
    _text("rule", "alertname, trigger id"),
    _map("labels", "all tags or labels"),
    _text("actor", "who did it, for updates"),
    _text("message", "what was said, for updates"),
    _bool("acknowledged", "whether someone has taken notice, for updates"),
)
READING = _record(
    "Reading",
    "One measured value of a device.",
    "device metric at",
    _text("device", "local id of the device", required=True),
    _text("metric", "e.g. temperature, vibration", required=True),
    _number("value", "the value in `unit`; null for a value that is no number"),
    _text("text", "a value that is no number"),
    _text("unit", "unit of `value`"),
    _time("at", "when it was measured", required=True),
    _text("quality", "how far to trust it", choices=QUALITIES),
    _int("seq", "the sender's counter"),
    _text("site", "local id of the site"),
    _text("customer", "local id of the customer"),
    _text("device_name", "the device's name in the source"),
    _map("labels", "all tags"),
)
TICKET = _record(
    "Ticket",
    "A ticket to open: what a rule template gives. Devices and customers are human ids of the hub.",
    "fingerprint",
    _text("kind", "incident, spare_part_purchase, maintenance, complaint, ...", required=True),
    _text("priority", "P0 is the most urgent", required=True, choices=PRIORITIES),
    _text("title", "one line for people", required=True),
    _text("description", "more of it"),
    _text("device", "human id of the device, from `ids.device`"),
    _text("customer", "human id of the customer, from `ids.customer`"),
    _text("site", "human id of the site"),
    _text("group", "who shall work on it"),
    _text("assignee", "the person who shall work on it"),
    _text("fingerprint", "one open ticket per fingerprint; null: never merged"),
    _map("labels", "names and values to search by"),
    _text("url", "link into the source"),
    _time("occurred_at", "when the cause began"),
    _time("due_at", "when it must be done"),
)
CUSTOMER = _record(
    "Customer",
    "A company or person that buys.",
    "id",
    _text("id", "local id in the source", required=True),
    _text("name", "full legal name", required=True),
    _text("short_name", "how people call it"),
    _text("credit_code", "unified social credit code"),
    _text("tax_number", "tax registration"),
    _text("phone", "main number"),
    _text("email", "main address"),
    _text("address", "postal address"),
    _text("city", "city"),
    _text("country", "ISO 3166 alpha-2"),
    _text("industry", "branch of business"),
    _text("tier", "service level the customer has bought"),
    _text("owner", "local id of the person who looks after it"),
    _text("contact", "name of the contact person"),
    _number("credit_limit", "credit granted, in `currency`"),
    _number("health", "0 (lost) to 100 (well)"),
    _text("currency", "ISO 4217"),
    _bool("active", "false: no longer served"),
    _time("changed_at", "last change in the source"),
)
DEVICE = _record(
    "Device",
    "A machine, host, line or sensor.",
    "id",
    _text("id", "local id in the source", required=True),
    _text("name", "its name", required=True),
    _text("kind", "host, machine, line, sensor, vehicle, ..."),
    _text("serial", "serial number"),
    _text("asset_tag", "inventory number"),
    _text("mac", "MAC address"),
    _text("ip", "IP address"),
    _text("model", "maker's model"),
    _text("manufacturer", "maker"),
    _text("site", "local id of the site"),
    _text("line", "production line"),
    _text("location", "place in words"),
    _text("customer", "local id of the owner"),
    _text("product", "local id of the product it is"),
    _text("status", "as the source says"),
    _time("installed_at", "put into service"),
    _time("warranty_until", "end of warranty"),
    _time("changed_at", "last change in the source"),
    _map("labels", "all tags"),
)
PRODUCT = _record(
    "Product",
    "Something made or sold, as the product catalogue knows it.",
    "id",
    _text("id", "local id in the source", required=True),
    _text("name", "its name", required=True),
    _text("model", "type or model"),
    _text("category", "class of goods"),
    _text("unit", "unit it is counted in"),
    _text("barcode", "GTIN or own code"),
    _text("revision", "engineering revision"),
    _number("list_price", "price in `currency`"),
    _text("currency", "ISO 4217"),
    _bool("active", "false: no longer sold"),
    _time("changed_at", "last change in the source"),
)
ARTICLE = _record(
    "Article",
    "An item of inventory (material), as the ERP system knows it.",
    "id",
    _text("id", "local id or code in the source", required=True),
    _text("name", "its name", required=True),
    _text("specification", "size, grade, type"),
    _text("category", "class of items"),
    _text("unit", "unit it is counted in"),
    _text("product", "local id of the product it belongs to"),
    _text("supplier", "local id of the usual supplier"),
    _number("safety_stock", "least quantity to keep, in `unit`"),
    _number("reorder_point", "quantity at which to order, in `unit`"),
    _number("lead_time", "from order to arrival", "d"),
    _number("price", "purchase price for one `unit`, in `currency`"),
    _text("currency", "ISO 4217"),
    _bool("batch_managed", "counted per batch"),
    _bool("active", "false: no longer used"),
    _time("changed_at", "last change in the source"),
)
STOCK_LEVEL = _record(
    "StockLevel",
    "How much of an article lies where.",
    "item warehouse batch",
    _text("item", "local id of the article", required=True),
    _text("warehouse", "local id of the warehouse", required=True),
    _text("batch", "batch or lot"),
    _text("location", "bin or shelf"),
    _number("quantity", "on hand, in `unit`", required=True),
    _number("available", "free to use, in `unit`"),
    _number("reserved", "promised to orders, in `unit`"),
    _number("in_transit", "on its way, in `unit`"),
    _number("safety_stock", "least quantity to keep, in `unit`"),
    _text("unit", "unit of the quantities"),
    _text("item_name", "the article's name"),
    _bool("frozen", "stopped: may not be used"),
    _time("expires_at", "end of shelf life"),
    _time("counted_at", "as of when"),
)
SUPPLIER = _record(
    "Supplier",
    "A company that delivers.",
    "id",
    _text("id", "local id in the source", required=True),
    _text("name", "full legal name", required=True),
    _text("short_name", "how people call it"),
    _text("credit_code", "unified social credit code"),
    _text("contact", "name of the contact person"),
    _text("phone", "main number"),
    _text("email", "main address"),
    _text("address", "postal address"),
    _text("country", "ISO 3166 alpha-2"),
    _text("rating", "grade as the source gives it"),
    _number("lead_time", "usual time to deliver", "d"),
    _bool("active", "false: no longer used"),
    _time("changed_at", "last change in the source"),
)
INTERACTION = _record(
    "Interaction",
    "A call, visit, mail or message with a customer.",
    "id",
    _text("id", "local id in the source", required=True),
    _text("customer", "local id of the customer", required=True),
    _text("kind", "call, visit, mail, chat, complaint, ..."),
    _text("direction", "who began", choices=("inbound", "outbound")),
    _text("subject", "one line for people"),
    _text("body", "what was said"),
    _text("actor", "who did it on our side"),
    _text("contact", "who on theirs"),
    _text("sentiment", "as rated by the source"),
    _number("score", "satisfaction, 0 to 100"),
    _text("device", "local id of the device it is about"),
    _text("order", "local id of the order it is about"),
    _text("url", "link into the source"),
    _time("at", "when it took place", required=True),
)
ORDER = _record(
    "Order",
    "A sales, purchase or work order, or one line of it.",
    "id line",
    _text("id", "number in the source", required=True),
    _text("line", "line number, where it is one line"),
    _text("kind", "which side", required=True, choices=("sales", "purchase", "work")),
    _text("status", "as the source says"),
    _text("customer", "local id of the customer (sales)"),
    _text("supplier", "local id of the supplier (purchase)"),
    _text("item", "local id of the article or product"),
    _number("quantity", "ordered, in `unit`"),
    _number("done", "delivered or produced, in `unit`"),
    _text("unit", "unit of the quantities"),
    _number("amount", "value in `currency`, tax included"),
    _text("currency", "ISO 4217"),
    _text("device", "local id of the machine (work)"),
    _text("owner", "local id of the person in charge"),
    _time("ordered_at", "date of the order"),
    _time("due_at", "promised or planned end"),
    _time("changed_at", "last change in the source"),
)
DELIVERY = _record(
    "Delivery",
    "Goods on their way, out or in.",
    "id line",
    _text("id", "number in the source", required=True),
    _text("line", "line number, where it is one line"),
    _text("order", "number of the order"),
    _text("direction", "to us or from us", choices=("inbound", "outbound")),
    _text("status", "as the source says"),
    _text("customer", "local id of the customer"),
    _text("supplier", "local id of the supplier"),
    _text("item", "local id of the article or product"),
    _text("batch", "batch or lot"),
    _number("quantity", "in `unit`"),
    _text("unit", "unit of the quantity"),
    _text("carrier", "who carries it"),
    _text("tracking", "the carrier's number"),
    _time("shipped_at", "left"),
    _time("due_at", "expected"),
    _time("arrived_at", "arrived"),
)
DOWNTIME = _record(
    "Downtime",
    "A machine stood still.",
    "device starts_at",
    _text("id", "local id in the source"),
    _text("device", "local id of the machine", required=True),
    _text("line", "production line"),
    _text("shift", "local id of the shift"),
    _text("reason", "why, in words"),
    _text("reason_code", "why, as the source codes it"),
    _bool("planned", "true: maintenance, set-up, no orders"),
    _time("starts_at", "stopped", required=True),
    _time("ends_at", "ran again; null while it stands"),
    _number("duration", "how long", "s"),
    _text("order", "work order that ran"),
    _text("actor", "who reported it"),
)
OEE = _record(
    "Oee",
    "Overall equipment effectiveness of a machine over a period. The three factors multiply to `oee`.",
    "device starts_at ends_at",
    _text("device", "local id of the machine", required=True),
    _text("line", "production line"),
    _text("shift", "local id of the shift"),
    _time("starts_at", "begin of the period", required=True),
    _time("ends_at", "end of the period", required=True),
    _number("availability", "running time / planned time", "1"),
    _number("performance", "produced / possible in the running time", "1"),
    _number("quality", "good / produced", "1"),
    _number("oee", "availability x performance x quality", "1"),
    _number("planned_time", "time planned for production", "s"),
    _number("running_time", "time it ran", "s"),
    _number("produced", "pieces, good and bad"),
    _number("good", "good pieces"),
    _number("target", "OEE aimed at", "1"),
)
SHIFT = _record(
    "Shift",
    "Who worked when.",
    "id starts_at",
    _text("id", "local id in the source", required=True),
    _text("name", "early, late, night, ..."),
    _text("team", "team or crew"),
    _text("leader", "local id of the shift leader"),
    _text("site", "local id of the site"),
    _text("line", "production line"),
    _time("starts_at", "begin", required=True),
    _time("ends_at", "end", required=True),
    _int("headcount", "people present"),
)
VEHICLE_SIGNAL = _record(
    "VehicleSignal",
    "What a vehicle tells about itself.",
    "vehicle signal at",
    _text("vehicle", "VIN or fleet number", required=True),
    _text("signal", "e.g. speed, soc, dtc", required=True),
    _number("value", "the value in `unit`"),
    _text("text", "a value that is no number, such as a trouble code"),
    _text("unit", "unit of `value`"),
    _time("at", "when it was measured", required=True),
    _number("latitude", "WGS 84", "deg"),
    _number("longitude", "WGS 84", "deg"),
    _number("speed", "over ground", "km/h"),
    _number("odometer", "distance run", "km"),
    _text("driver", "local id of the driver"),
    _text("trip", "local id of the trip"),
    _text("quality", "how far to trust it", choices=QUALITIES),
    _map("labels", "all tags"),
)
