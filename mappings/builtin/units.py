"""Units of measure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Annotated, Any

from mappings.errors import EvaluationError
from mappings.registry import DYNAMIC, function, prepared
from mappings.suggestions import nearest
from mappings.values import CONTEXT


@dataclass(frozen=True, eq=False, slots=True)
class Unit:
    """`value * factor + offset` is the value in the base unit of its dimension."""

    symbol: str
    dimension: str
    factor: Fraction
    offset: Fraction = Fraction(0)


_FACTORS = {
    "pressure": "Pa 1 hPa 100 kPa 1000 MPa 1000000 bar 100000 mbar 100 psi 6894.757293168361 atm 101325 "
    "mmHg 133.322387415 Torr 101325/760 kgf/cm2 98066.5",
    "length": "m 1 km 1000 dm 0.1 cm 0.01 mm 0.001 um 0.000001 in 0.0254 ft 0.3048 yd 0.9144 mi 1609.344 nmi 1852",
    "area": "m2 1 cm2 0.0001 mm2 0.000001 km2 1000000 ha 10000 ft2 0.09290304",
    "volume": "m3 1 l 0.001 L 0.001 ml 0.000001 mL 0.000001 cm3 0.000001 gal 0.003785411784 ft3 0.028316846592",
    "mass": "kg 1 g 0.001 mg 0.000001 t 1000 lb 0.45359237 oz 0.028349523125",
    "time": "s 1 ms 0.001 us 0.000001 ns 0.000000001 min 60 h 3600 d 86400 w 604800",
    "speed": "m/s 1 mm/s 0.001 km/h 1/3.6 mph 0.44704 kn 1852/3600 ft/s 0.3048",
    "acceleration": "m/s2 1 g0 9.80665 ft/s2 0.3048",
    "flow": "m3/s 1 m3/h 1/3600 l/s 0.001 l/min 1/60000 l/h 1/3600000",
    "energy": "J 1 kJ 1000 MJ 1000000 Wh 3600 kWh 3600000 MWh 3600000000 cal 4.184 kcal 4184",
    "power": "W 1 kW 1000 MW 1000000 mW 0.001 hp 745.69987158227022 PS 735.49875",
    "force": "N 1 kN 1000 kgf 9.80665 lbf 4.4482216152605",
    "torque": "N.m 1 kN.m 1000 kgf.m 9.80665 lbf.ft 1.3558179483314004",
    "voltage": "V 1 mV 0.001 kV 1000",
    "current": "A 1 mA 0.001 uA 0.000001 kA 1000",
    "resistance": "ohm 1 mohm 0.001 kohm 1000 Mohm 1000000",
    "frequency": "Hz 1 kHz 1000 MHz 1000000 GHz 1000000000 rpm 1/60",
    "angle": "deg 1 arcmin 1/60 arcsec 1/3600 turn 360",
    "share": "1 1 % 0.01 ‰ 0.001 ppm 0.000001",
    "data": "B 1 kB 1000 MB 1000000 GB 1000000000 TB 1000000000000 KiB 1024 MiB 1048576 GiB 1073741824 "
    "TiB 1099511627776 bit 0.125 kbit 125 Mbit 125000 Gbit 125000000",
    "data rate": "B/s 1 kB/s 1000 MB/s 1000000 GB/s 1000000000 KiB/s 1024 MiB/s 1048576 bit/s 0.125 kbit/s 125 "
    "Mbit/s 125000 Gbit/s 125000000",
}
UNITS: dict[str, Unit] = {
    "K": Unit("K", "temperature", Fraction(1)),
    "C": Unit("C", "temperature", Fraction(1), Fraction("273.15")),
    "F": Unit("F", "temperature", Fraction(5, 9), Fraction("459.67") * Fraction(5, 9)),
}
_OTHER_SPELLINGS = {"°C": "C", "℃": "C", "degC": "C", "celsius": "C", "°F": "F", "℉": "F", "degF": "F"}
_OTHER_SPELLINGS |= {
    "fahrenheit": "F",
    "kelvin": "K",
    "percent": "%",
    "sec": "s",
    "m³/h": "m3/h",
    "m²": "m2",
    "m³": "m3",
}
_OTHER_SPELLINGS |= {"μm": "um", "µm": "um", "Ω": "ohm", "°": "deg", "m/s²": "m/s2", "N·m": "N.m", "kph": "km/h"}


def _fill() -> None:
    for dimension, table in _FACTORS.items():
        words = table.split()
        for symbol, factor in zip(words[::2], words[1::2], strict=True):
            above, _, below = factor.partition("/")
            UNITS[symbol] = Unit(symbol, dimension, Fraction(above) / Fraction(below or "1"))
    for spelling, symbol in _OTHER_SPELLINGS.items():
        UNITS[spelling] = UNITS[symbol]


_fill()


def find_unit(symbol: str) -> Unit:
    """The unit of this symbol. Raises EvaluationError with the nearest one."""
    unit = UNITS.get(symbol.strip()[:40])
    if unit is None:
        hint = nearest(symbol, UNITS)
        raise EvaluationError(f"the unit {symbol[:40]!r} is not known" + (f": {hint}" if hint else ""))
    return unit


@lru_cache(maxsize=1024)
def _factors(source: Unit, target: Unit) -> tuple[Decimal, Decimal, Decimal]:
    """(a, b, c) so that `(value * a + b) / c` converts. Raises EvaluationError for units of different dimensions."""
    if source.dimension != target.dimension:
        raise EvaluationError(f"{source.symbol} ({source.dimension}) cannot be {target.symbol} ({target.dimension})")
    factor = source.factor / target.factor
    offset = (source.offset - target.offset) / target.factor
    below = factor.denominator * offset.denominator
    rest = below
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    if rest == 1:  # a finite decimal: one multiplication does it
        return _exact(factor), _exact(offset), Decimal(1)
    return Decimal(int(factor * below)), Decimal(int(offset * below)), Decimal(below)


def _exact(number: Fraction) -> Decimal:
    return CONTEXT.divide(Decimal(number.numerator), Decimal(number.denominator))


def _convert_between(value: Any, source: Any, target: Any) -> Callable[..., Any] | None:
    if source is DYNAMIC or target is DYNAMIC or value is not DYNAMIC:
        return None
    a, b, c = _factors(source, target)
    if c == 1:
        return lambda number: CONTEXT.fma(number, a, b)
    return lambda number: CONTEXT.divide(CONTEXT.fma(number, a, b), c)


@function(specialise=_convert_between)
def convert(
    value: Decimal, source: Annotated[Unit, prepared(find_unit)], target: Annotated[Unit, prepared(find_unit)]
) -> Decimal:
    """The number, given in the unit `source`, in the unit `target`. Temperatures, pressures, lengths, masses, times,
    speeds, energies, data and more; the units are case-sensitive.

    convert(212, 'F', 'C') == 100
    convert(1, 'bar', 'kPa') == 100
    convert(90, 'km/h', 'm/s') == 25
    """
    a, b, c = _factors(source, target)
    return CONTEXT.fma(value, a, b) if c == 1 else CONTEXT.divide(CONTEXT.fma(value, a, b), c)
