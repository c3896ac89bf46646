"""The identity of a cell: a hash of what it is, the same on every machine and for ever.

Canonical JSON (RFC 8785) of experiment, contender, version, parameters and the dataset's
fingerprint, through BLAKE3, cut to 128 bits.
"""

from __future__ import annotations

import json
import math
from json.encoder import encode_basestring  # what json.dumps(text, ensure_ascii=False) calls
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from assay import _core
from assay.errors import ParameterError

if TYPE_CHECKING:
    from assay.experiments.base import Cell

__all__ = ["canonical_json", "cell_id"]


def cell_id(cell: Cell) -> str:
    """BLAKE3-128 of the cell's canonical JSON, as 32 hex digits."""
    text = canonical_json(
        {
            "experiment": cell.experiment,
            "contender": cell.contender,
            "contender_version": cell.contender_version,
            "parameters": dict(cell.parameters),
            "dataset_fingerprint": cell.dataset_fingerprint,
        }
    )
    digest = _core.digest(pa.array([text.encode()], pa.binary()), "blake3", threads=1)
    return str(digest[0].as_py()[:16].hex())


def canonical_json(value: Any) -> str:
    """`value` as RFC 8785 has it: no blanks, keys in UTF-16 order, numbers as ECMAScript writes them."""
    if isinstance(value, str):
        return encode_basestring(value)
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, int):
        return str(value) if abs(value) < 2**53 else _number(float(value))
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, list | tuple):
        return "[" + ",".join(canonical_json(item) for item in value) + "]"
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: str(key).encode("utf-16-be"))
        return "{" + ",".join(f"{encode_basestring(str(key))}:{canonical_json(value[key])}" for key in keys) + "}"
    raise ParameterError(f"{value!r} of type {type(value).__name__} has no canonical JSON; use text or numbers")


def _number(value: float) -> str:
    """A double as ECMAScript's Number::toString writes it (ECMA-262, 6.1.6.1.20)."""
    if not math.isfinite(value):
        raise ParameterError(f"{value} has no canonical JSON; expected a finite number")
    if value == 0:
        return "0"
    sign = "-" if value < 0 else ""
    digits, _, exponent = f"{abs(value)!r}".partition("e")
    whole, _, fraction = digits.partition(".")
    power = int(exponent or 0) + len(whole.lstrip("0") or "")  # digits are 0.d1d2... times 10^power
    significant = (whole + fraction).lstrip("0")
    if not whole.strip("0"):
        power = int(exponent or 0) - (len(fraction) - len(fraction.lstrip("0")))
    significant = significant.rstrip("0")
    count = len(significant)
    if count <= power <= 21:
        return sign + significant + "0" * (power - count)
    if 0 < power <= 21:
        return f"{sign}{significant[:power]}.{significant[power:]}"
    if -6 < power <= 0:
        return f"{sign}0.{'0' * -power}{significant}"
    mantissa = significant[0] + (f".{significant[1:]}" if count > 1 else "")
    return f"{sign}{mantissa}e{'+' if power > 0 else '-'}{abs(power - 1)}"
