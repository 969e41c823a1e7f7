"""What a mapped record costs, beside the same work written by hand.

`python -m benchmarks.mapping` prints microseconds of CPU per record for the compiled mapping and for a hand-written
Python function that does the same with the same exact numbers and the same memory of dates, but without any check: no
nulls, no wrong kinds, no bounds, no errors that name a field. Both run in turns in one process; the best of several
passes counts.
"""

from __future__ import annotations

import argparse
import gc
import re
import time
from collections.abc import Callable
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Any

from benchmarks.meters import Claim
from mappings import load_mapping

MAPPING = """
mapping: twelve_fields
from: {connector: benchmark, stream: machine}
to: {dataset: benchmark.machine, key: [item]}
tables: {currency: {RMB: CNY, US$: USD, EURO: EUR}}
fields:
  item: {expr: cInvCode, type: text}
  name: {expr: cInvName, type: text}
  mail: {expr: lower(Email), type: text}
  location: {expr: "concat(Factory, '/', Workshop, '/', Line)", type: text}
  health: {expr: 0.3*vib + 0.5*temp + 0.2*load, type: number}
  phone: {expr: digits(Phone), type: text}
  currency: {expr: "lookup(Cur, currency, 'CNY')", type: text}
  due: {expr: "date(DueDate, '%Y/%m/%d')", type: date, on_error: dead_letter}
  pressure: {expr: "convert(psi, 'psi', 'bar')", type: number}
  celsius: {expr: (fahrenheit - 32) * 5 / 9, type: number}
  hot: {expr: fahrenheit > 180, type: bool}
  amount: {expr: "round(qty * price, 2)", type: number}
tests:
  - in:
      cInvCode: M1
      cInvName: 轴承
      Email: A.Person@Example.COM
      Factory: F1
      Workshop: W2
      Line: L3
      vib: 1.25
      temp: 61.5
      load: 0.8
      Phone: +86 (010) 1234-5678
      Cur: RMB
      DueDate: 2026/11/22
      psi: 14.5
      fahrenheit: 212.0
      qty: 2.5
      price: 0.35
    out:
      item: M1
      name: 轴承
      mail: a.person@example.com
      location: F1/W2/L3
      health: 31.285
      phone: "8601012345678"
      currency: CNY
      due: 2026-11-22
      pressure: "0.999739807509412345"
      celsius: 100
      hot: true
      amount: 0.88
"""

_NO_DIGIT = re.compile(r"[^0-9]+")
_CURRENCY = {"RMB": "CNY", "US$": "USD", "EURO": "EUR"}
_PSI = Decimal("6894.757293168361")
_BAR = Decimal(100_000)
_CENT = Decimal("0.01")
_VIB, _TEMP, _LOAD = Decimal("0.3"), Decimal("0.5"), Decimal("0.2")


@lru_cache(maxsize=4096)
def _day(text: str) -> date:
    return datetime.strptime(text, "%Y/%m/%d").date()  # noqa: DTZ007


def by_hand(record: dict[str, Any]) -> dict[str, Any]:
    """The twelve fields as one would write them in a hurry."""
    fahrenheit = record["fahrenheit"]
    return {
        "item": record["cInvCode"],
        "name": record["cInvName"],
        "mail": record["Email"].lower(),
        "location": f"{record['Factory']}/{record['Workshop']}/{record['Line']}",
        "health": _VIB * record["vib"] + _TEMP * record["temp"] + _LOAD * record["load"],
        "phone": _NO_DIGIT.sub("", record["Phone"]),
        "currency": _CURRENCY.get(record["Cur"], "CNY"),
        "due": _day(record["DueDate"]),
        "pressure": record["psi"] * _PSI / _BAR,
        "celsius": (fahrenheit - 32) * 5 / 9,
        "hot": fahrenheit > 180,
        "amount": (record["qty"] * record["price"]).quantize(_CENT, ROUND_HALF_UP),
    }


def measure(count: int = 20_000, passes: int = 7) -> dict[str, float]:
    """Microseconds of CPU per record: {"mapping": ..., "by_hand": ..., "ratio": ...}."""
    mapping = load_mapping(MAPPING, "benchmark")
    failures = mapping.check()
    if failures:
        raise SystemExit("\n".join(map(str, failures)))
    records = [_varied(mapping.cases[0].record, number) for number in range(200)]
    best = {
        "mapping": min(_cost(mapping.run, records, count) for _ in range(1)),
        "by_hand": min(_cost(by_hand, records, count) for _ in range(1)),
    }
    for _ in range(passes - 1):
        best["mapping"] = min(best["mapping"], _cost(mapping.run, records, count))
        best["by_hand"] = min(best["by_hand"], _cost(by_hand, records, count))
    return {**best, "ratio": best["mapping"] / best["by_hand"]}


def run() -> list[Claim]:
    """The claim about mappings."""
    text = "mapping of 12 fields / the same by hand"
    return [Claim(text, measure()["ratio"], "x", at_most=2.0)]


def _varied(record: Any, number: int) -> dict[str, Any]:
    return {**record, "cInvCode": f"M{number}", "DueDate": f"2026/11/{number % 28 + 1:02}", "vib": Decimal(number) / 8}


def _cost(run: Callable[[dict[str, Any]], Any], records: list[dict[str, Any]], count: int) -> float:
    gc.collect()
    gc.disable()
    started = time.process_time()
    for _ in range(count // len(records)):
        for record in records:
            run(record)
    spent = time.process_time() - started
    gc.enable()
    return spent / (count // len(records) * len(records)) * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=20_000, help="records in one pass")
    parser.add_argument("--passes", type=int, default=7)
    parser.add_argument("--source", action="store_true", help="print the generated Python")
    options = parser.parse_args()
    if options.source:
        print(load_mapping(MAPPING).source)
    found = measure(options.count, options.passes)
    print(f"mapping  {found['mapping']:7.2f} us a record")
    print(f"by hand  {found['by_hand']:7.2f} us a record")
    print(f"ratio    {found['ratio']:7.2f}")


if __name__ == "__main__":
    main()
