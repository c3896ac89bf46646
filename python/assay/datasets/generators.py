"""Made-up tables with a known shape: uniform, zipf, lognormal, hot_tenant, ascending and more.

Row i depends on (seed, i) alone, so that any split gives the same bits, for ever. Every generator is
one function from row numbers to columns, and one line in GENERATORS; bounds are written once, in its
parameters, and messages come from them. Cost: tens of ns per row, a batch at a time; zipf keeps 8 to
24 bytes per key. Those of traces for caches stand in `trace_generators.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from assay.datasets.batch import BATCH_ROWS, Batch, Span, row_spans
from assay.datasets.generator_forms import ROWS, SEED, Columns, Generator, Parameter, Values, time_column
from assay.datasets.normal import normal_quantile
from assay.datasets.spelling import parse_call
from assay.datasets.splitmix import Integers, draws, exp, unit_interval, up_to
from assay.datasets.trace_generators import TRACE_GENERATORS
from assay.datasets.zipf_tables import zipf_table
from assay.errors import ParameterError, SpellingError, UnknownNameError

__all__ = ["GENERATORS", "Generator", "GeneratorReader", "Parameter", "parse_generator"]


def _common(values: Values, rows: Integers) -> Columns:
    """Columns of every generator: `time`, a millisecond per row, and `value`, uniform in 1..1000."""
    seed = int(values["seed"])
    return {
        "time": time_column(rows),
        "value": (up_to(draws(seed, rows, stream=9), 1000) + np.uint64(1)).astype(np.int64),
    }


def _uniform(values: Values, rows: Integers) -> Columns:
    key = up_to(draws(int(values["seed"]), rows), int(values["keys"])).astype(np.int64)
    return {"key": key, **_common(values, rows)}


def _zipf(values: Values, rows: Integers) -> Columns:
    table = zipf_table(int(values["keys"]), float(values["exponent"]))
    return {"key": table.ranks(draws(int(values["seed"]), rows)), **_common(values, rows)}


def _lognormal(values: Values, rows: Integers) -> Columns:
    """The median times e to the sigma times a normal deviate, rounded: within 2^62, as |deviate| < 8.3."""
    deviate = normal_quantile(unit_interval(draws(int(values["seed"]), rows)) + 2.0**-54)
    key = np.rint(float(values["median"]) * exp(float(values["sigma"]) * deviate)).astype(np.int64)
    return {"key": key, **_common(values, rows)}


def _clustered(values: Values, rows: Integers) -> Columns:
    """Cluster c begins at a key that (seed, c) draws; a row draws its cluster, and its key within it."""
    seed, space, spread = int(values["seed"]), int(values["space"]), int(values["spread"])
    if spread > space:
        raise ParameterError(f"clustered: spread is {spread}; expected at most the space, {space}")
    cluster = up_to(draws(seed, rows, stream=1), int(values["clusters"]))
    begin = up_to(draws(seed, cluster, stream=2), space - spread + 1)
    key = (begin + up_to(draws(seed, rows), spread)).astype(np.int64)
    return {"key": key, **_common(values, rows)}


def _hot_tenant(values: Values, rows: Integers) -> Columns:
    seed = int(values["seed"])
    hot = unit_interval(draws(seed, rows)) < float(values["hot_share"])
    others = up_to(draws(seed, rows, stream=1), int(values["tenants"]) - 1) + np.uint64(1)
    tenant = np.where(hot, np.uint64(0), others).astype(np.int64)
    key = up_to(draws(seed, rows, stream=2), int(values["keys"])).astype(np.int64)
    return {"tenant": tenant, "key": key, **_common(values, rows)}


def _ascending(values: Values, rows: Integers) -> Columns:
    stride = int(values["stride"])
    gap = up_to(draws(int(values["seed"]), rows), stride)
    key = (rows * np.uint64(stride) + gap).astype(np.int64) + int(values["start"])
    return {"key": key, **_common(values, rows)}


def _interleaved(values: Values, rows: Integers) -> Columns:
    run, period = int(values["run"]), int(values["period"])
    if run > period:
        raise ParameterError(f"interleaved: run is {run}; expected at most the period, {period}")
    key = (rows // np.uint64(run) * np.uint64(period) + rows % np.uint64(run)).astype(np.int64) + int(values["start"])
    return {"key": key, **_common(values, rows)}


_URL = "https://www.example.com/catalogue/products/item?number="


def _urls(values: Values, rows: Integers) -> Columns:
    number = up_to(draws(int(values["seed"]), rows), int(values["keys"]))
    return {"key": np.char.add(_URL, number.astype("U10")), **_common(values, rows)}


_KEYS = Parameter("keys", 10_000, 1, 2**32, "distinct keys to draw from")
GENERATORS: dict[str, Generator] = {
    generator.name: generator
    for generator in (
        Generator("uniform", "every key is equally likely", (ROWS, _KEYS, SEED), _uniform),
        Generator(
            "zipf",
            "key k (from 0) is drawn in proportion to 1 / (k + 1) ** exponent",
            (
                ROWS,
                Parameter("keys", 10_000, 1, 10**7, "distinct keys to draw from"),
                Parameter("exponent", 1.1, 0.0, 10.0, "0 is uniform; 1 is the classic law"),
                SEED,
            ),
            _zipf,
        ),
        Generator(
            "lognormal",
            "most keys lie close together, and some far above: e to the power of normally distributed numbers",
            (
                ROWS,
                Parameter("median", 2**30, 1, 2**40, "half of the keys are above it"),
                Parameter("sigma", 1.0, 0.0, 1.8, "standard deviation of the logarithm; 0 makes all equal"),
                SEED,
            ),
            _lognormal,
        ),
        Generator(
            "clustered",
            "keys lie in clusters of spread consecutive ones, which begin anywhere in a space that is mostly empty",
            (
                ROWS,
                Parameter("clusters", 1000, 1, 2**32, "clusters, each as likely"),
                Parameter("spread", 10_000, 1, 2**32, "keys of a cluster, each as likely; at most the space"),
                Parameter("space", 2**32, 1, 2**32, "keys from the first to the last that there may be"),
                SEED,
            ),
            _clustered,
        ),
        Generator(
            "hot_tenant",
            "tenant 0 has hot_share of the rows; the others share the rest evenly",
            (
                ROWS,
                Parameter("tenants", 1000, 2, 2**32, "tenants, the hot one included"),
                Parameter("hot_share", 0.3, 0.0, 1.0, "part of the rows that belong to tenant 0"),
                Parameter("keys", 1_000_000, 1, 2**32, "distinct keys to draw from, over all tenants"),
                SEED,
            ),
            _hot_tenant,
        ),
        Generator(
            "ascending",
            "keys only grow, like those of a sequence; a stride above 1 leaves random gaps",
            (
                ROWS,
                Parameter("start", 0, 0, 2**32, "the first key, or just below it when there are gaps"),
                Parameter("stride", 1, 1, 2**20, "keys grow by this much on average"),
                SEED,
            ),
            _ascending,
        ),
        Generator(
            "interleaved",
            "runs of consecutive keys out of every period, as one of several writers hands them out",
            (
                ROWS,
                Parameter("run", 1, 1, 2**20, "consecutive keys of each period; at most the period"),
                Parameter("period", 10, 1, 2**20, "keys from the beginning of a run to that of the next"),
                Parameter("start", 1, 0, 2**32, "the first key"),
                SEED,
            ),
            _interleaved,
        ),
        Generator(
            "urls",
            "addresses of pages, each as likely: texts that differ in their last characters only",
            (ROWS, _KEYS, SEED),
            _urls,
        ),
        *TRACE_GENERATORS,
    )
}


def parse_generator(spelling: str) -> tuple[Generator, dict[str, int | float]]:
    """The generator that `spelling` names, with every parameter.

    Raises:
        SpellingError: the text is no call, or has arguments without a name.
        UnknownNameError: the generator or a parameter does not exist.
        ParameterError: `rows` is missing, or a value is out of bounds.
    """
    call = parse_call(spelling)
    if call.name not in GENERATORS:
        raise UnknownNameError.of("generator", call.name, GENERATORS)
    generator = GENERATORS[call.name]
    if call.positional:
        raise SpellingError(f"{spelling!r} has {call.positional[0]!r} without a name; expected {generator.signature()}")
    known = [parameter.name for parameter in generator.parameters]
    for given in call.keywords:
        if given not in known:
            raise UnknownNameError.of(f"parameter of {generator.name}", given, known)
    values: dict[str, int | float] = {}
    for parameter in generator.parameters:
        value = call.keywords.get(parameter.name, parameter.default)
        if value is None:
            raise ParameterError(f"{generator.name} needs {parameter.name}; expected {generator.signature()}")
        values[parameter.name] = parameter.check(generator.name, value)
    return generator, values


class GeneratorReader:
    """The rows of a generator, made when they are read."""

    files: tuple[Path, ...] = ()
    storage_bytes: int | None = None
    identity: str | None

    def __init__(self, spelling: str) -> None:
        self._generator, self._values = parse_generator(spelling)
        self.rows: int | None = int(self._values["rows"])
        self.schema = self._make(0, 0).schema
        self.identity = f"{self.spelling} version {self._generator.version}"

    @property
    def spelling(self) -> str:
        """The spelling with every parameter, in order: the rows depend on nothing else (and the version)."""
        return f"{self._generator.name}({', '.join(f'{name}={value}' for name, value in self._values.items())})"

    def spans(self, target_rows: int) -> list[Span]:
        """Row ranges of `target_rows` rows."""
        assert self.rows is not None
        return row_spans(self.rows, target_rows)

    def batches(self, columns: Sequence[str], span: Span | None, *, encoded: bool = False) -> Iterator[Batch]:
        """The chosen columns of a row range."""
        first_row, end = (0, int(self._values["rows"])) if span is None else span.token
        for start in range(first_row, end, BATCH_ROWS):
            yield Batch(start, self._make(start, min(end, start + BATCH_ROWS)).select(list(columns)))

    def _make(self, start: int, end: int) -> pa.RecordBatch:
        columns = self._generator.make(self._values, np.arange(start, end, dtype=np.uint64))
        return pa.record_batch({name: pa.array(column) for name, column in columns.items()})
