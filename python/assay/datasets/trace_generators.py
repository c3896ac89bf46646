"""Made-up traces for caches: Zipf, uniform, scan, loop, scans between, shifting popularity, flash crowd, tenants.

Every one has the columns time (a millisecond a row) and key, then size if `size_median` is given and op if
`write_share` is. Key k is also the rank of its popularity, where there is one. Sizes are log-normal and fixed for each
key. Row i depends on the parameters and i alone, as with all generators. Cost: 60 ns a row with Zipf's law over a
million keys, 8 without it; sizes take 35 more, operations 80.
Source: Breslau et al. 1999, "Web Caching and Zipf-like Distributions"; sizes: Downey 2001, "The Structural Cause of
File Size Distributions"; scans, loops and shifts: Megiddo, Modha 2003, section 1, and Jiang, Zhang 2002 ("LIRS").
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from assay.datasets.generator_forms import ROWS, SEED, Columns, Generator, Parameter, Values, time_column
from assay.datasets.normal import normal_quantile
from assay.datasets.splitmix import Integers, draws, exp, unit_interval, up_to
from assay.datasets.zipf_tables import ZipfTable, zipf_table
from assay.errors import ParameterError

__all__ = ["TRACE_GENERATORS"]

_Keys = npt.NDArray[np.int64]
_SIZE_STREAM, _OP_STREAM = 21, 22
_LARGEST_SIZE = 2.0**40

_KEYS = Parameter("keys", 100_000, 1, 10**7, "distinct keys to draw from")
_EXPONENT = Parameter("exponent", 1.0, 0.0, 10.0, "of Zipf's law: 0 is uniform; 1 is the classic law")
_SIZES_AND_WRITES = (
    Parameter("size_median", 0, 0, 2**30, "the median size of an object in bytes; 0 leaves sizes out"),
    Parameter("size_sigma", 1.0, 0.0, 4.0, "standard deviation of the logarithm of sizes; 0 makes all equal"),
    Parameter("write_share", 0.0, 0.0, 1.0, "part of the requests that write; 0 leaves operations out"),
    SEED,
)


def _zipf(values: Values, rows: Integers) -> _Keys:
    return zipf_table(int(values["keys"]), float(values["exponent"])).ranks(draws(int(values["seed"]), rows))


def _uniform(values: Values, rows: Integers) -> _Keys:
    return up_to(draws(int(values["seed"]), rows), int(values["keys"])).astype(np.int64)


def _scan(values: Values, rows: Integers) -> _Keys:
    return rows.astype(np.int64) + int(values["start"])


def _loop(values: Values, rows: Integers) -> _Keys:
    return (rows % np.uint64(values["keys"])).astype(np.int64)


def _zipf_with_scans(values: Values, rows: Integers) -> _Keys:
    every, length = int(values["scan_every"]), int(values["scan_length"])
    if length > every:
        raise ParameterError(f"zipf_scan_trace: scan_length is {length}; expected at most scan_every, {every}")
    row = rows.astype(np.int64)
    place = row % every - (every - length)  # within the scan, where it is not negative
    scanned = int(values["keys"]) + row // every * length + place
    return np.where(place >= 0, scanned, _zipf(values, rows))


def _shifting(values: Values, rows: Integers) -> _Keys:
    keys = int(values["keys"])
    steps = rows.astype(np.int64) // int(values["shift_every"]) % keys
    return (_zipf(values, rows) + steps * (int(values["shift"]) % keys)) % keys


def _flash_crowd(values: Values, rows: Integers) -> _Keys:
    seed, whole = int(values["seed"]), int(values["rows"])
    begin = int(float(values["crowd_start"]) * whole)
    end = begin + int(float(values["crowd_length"]) * whole)
    row = rows.astype(np.int64)
    drawn = unit_interval(draws(seed, rows, stream=1)) < float(values["crowd_share"])
    crowd = int(values["keys"]) + up_to(draws(seed, rows, stream=2), int(values["crowd_keys"])).astype(np.int64)
    return np.where(drawn & (row >= begin) & (row < end), crowd, _zipf(values, rows))


def _tenant(values: Values, rows: Integers) -> _Keys:
    table = zipf_table(int(values["tenants"]), float(values["tenant_exponent"]))
    return table.ranks(draws(int(values["seed"]), rows, stream=3))


def _tenants(values: Values, rows: Integers) -> _Keys:
    """Tenant t has the keys from t * keys on, and an exponent between the lowest and the highest."""
    keys, tenant, bits = int(values["keys"]), _tenant(values, rows), draws(int(values["seed"]), rows)
    low, high = float(values["exponent_low"]), float(values["exponent_high"])
    key = tenant * keys
    for number, table in enumerate(_tenant_tables(keys, int(values["tenants"]), low, high)):
        own = np.flatnonzero(tenant == number)
        key[own] += table.ranks(bits[own])
    return key


@functools.lru_cache(maxsize=1)
def _tenant_tables(keys: int, tenants: int, low: float, high: float) -> tuple[ZipfTable, ...]:
    return tuple(ZipfTable(keys, low + (high - low) * number / max(1, tenants - 1)) for number in range(tenants))


def _sizes(values: Values, key: _Keys) -> _Keys:
    """The size of each key: the median times e to the sigma times a normal deviate that the key draws, 1 to 2^40."""
    bits = draws(int(values["seed"]), key.astype(np.uint64), stream=_SIZE_STREAM)
    deviate = normal_quantile(unit_interval(bits) + 2.0**-54)
    size = float(values["size_median"]) * exp(float(values["size_sigma"]) * deviate)
    return np.rint(np.clip(size, 1.0, _LARGEST_SIZE)).astype(np.int64)


def _trace(keys: Callable[[Values, Integers], _Keys]) -> Callable[[Values, Integers], Columns]:
    """The columns of a trace, from the function that draws its keys."""

    def make(values: Values, rows: Integers) -> Columns:
        key = keys(values, rows)
        columns: Columns = {"time": time_column(rows)}
        if keys is _tenants:
            columns["tenant"] = _tenant(values, rows)
        columns["key"] = key
        if values["size_median"]:
            columns["size"] = _sizes(values, key)
        if values["write_share"]:
            written = unit_interval(draws(int(values["seed"]), rows, stream=_OP_STREAM)) < float(values["write_share"])
            columns["op"] = np.where(written, "set", "get")
        return columns

    return make


def _generator(
    name: str, idea: str, own: tuple[Parameter, ...], keys: Callable[[Values, Integers], _Keys]
) -> Generator:
    return Generator(name, idea, (ROWS, *own, *_SIZES_AND_WRITES), _trace(keys))


_TENANT_KEYS = Parameter("keys", 100_000, 1, 10**6, "distinct keys of each tenant")
TRACE_GENERATORS: tuple[Generator, ...] = (
    _generator(
        "zipf_trace",
        "a trace: key k (from 0) is asked for in proportion to 1 / (k + 1) ** exponent, independently",
        (_KEYS, _EXPONENT),
        _zipf,
    ),
    _generator("uniform_trace", "a trace: every key is equally likely, so that no policy can win", (_KEYS,), _uniform),
    _generator(
        "scan_trace",
        "a trace: every key once, in ascending order",
        (Parameter("start", 0, 0, 2**32, "the first key"),),
        _scan,
    ),
    _generator("loop_trace", "a trace: all keys in ascending order, over and over", (_KEYS,), _loop),
    _generator(
        "zipf_scan_trace",
        "a trace: Zipf's law, and the last scan_length of every scan_every requests scan keys that never come again",
        (
            _KEYS,
            _EXPONENT,
            Parameter("scan_every", 100_000, 1, 10**12, "requests from the end of a scan to that of the next"),
            Parameter("scan_length", 20_000, 0, 10**12, "requests of a scan; at most scan_every"),
        ),
        _zipf_with_scans,
    ),
    _generator(
        "shifting_trace",
        "a trace: Zipf's law over keys whose ranks move on by shift every shift_every requests, in a circle",
        (
            _KEYS,
            _EXPONENT,
            Parameter("shift_every", 100_000, 1, 10**12, "requests between two shifts"),
            Parameter("shift", 1000, 0, 10**7, "keys by which the most popular one moves on"),
        ),
        _shifting,
    ),
    _generator(
        "flash_crowd_trace",
        "a trace: Zipf's law, and for a while crowd_share of the requests ask for a few keys that nobody knew before",
        (
            _KEYS,
            _EXPONENT,
            Parameter("crowd_keys", 10, 1, 10**7, "keys that the crowd asks for, each as often"),
            Parameter("crowd_share", 0.5, 0.0, 1.0, "part of the requests while it lasts"),
            Parameter("crowd_start", 0.4, 0.0, 1.0, "part of the trace before it begins"),
            Parameter("crowd_length", 0.2, 0.0, 1.0, "part of the trace that it lasts"),
        ),
        _flash_crowd,
    ),
    _generator(
        "tenants_trace",
        "a trace: tenants with keys of their own share a cache; tenant t (from 0) asks in proportion to "
        "1 / (t + 1) ** tenant_exponent, by Zipf's law with an exponent between the lowest and the highest",
        (
            Parameter("tenants", 4, 1, 16, "tenants"),
            _TENANT_KEYS,
            Parameter("tenant_exponent", 1.0, 0.0, 10.0, "0: all tenants ask as often"),
            Parameter("exponent_low", 0.6, 0.0, 10.0, "of tenant 0, over its keys"),
            Parameter("exponent_high", 1.2, 0.0, 10.0, "of the last tenant, over its keys"),
        ),
        _tenants,
    ),
)
