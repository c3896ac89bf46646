"""The ZIP codes of the United States, as the PyPI package zipcodes holds them: one row each.

The package keeps its table inside compiled code, so it is imported and asked, unlike other packages
of data. What stands for no value becomes null: an empty county, country or world region, and the
place 0, 0, which lies in the ocean. Lists (other names of a city, area codes) are left out.
Cost: half a second and 10 MiB, once per process.
Source: PyPI zipcodes (MIT), `list_all`.
"""

from __future__ import annotations

import functools
import importlib.util

import pyarrow as pa

from assay.datasets.memory import TableReader
from assay.datasets.spelling import parse_call
from assay.errors import ReadError, SpellingError

__all__ = ["check_zipcodes", "is_installed", "open_zipcodes"]

_TEXTS = ("zip_code", "zip_code_type", "city", "county", "state", "timezone", "world_region", "country")


def is_installed() -> bool:
    """Whether the package is there."""
    return importlib.util.find_spec("zipcodes") is not None


def check_zipcodes(spelling: str) -> None:
    """Raises SpellingError unless `spelling` is `zipcodes()`."""
    call = parse_call(spelling)
    if call.positional or call.keywords:
        raise SpellingError(f"{spelling!r} has arguments; expected zipcodes()")


def open_zipcodes(spelling: str) -> TableReader:
    """The table that `zipcodes()` spells, in memory.

    Raises:
        SpellingError: the call has arguments.
        ReadError: the package is not installed, or holds something else.
    """
    check_zipcodes(spelling)
    return TableReader(_table(), "zipcodes")


@functools.lru_cache(maxsize=1)
def _table() -> pa.Table:
    try:
        import zipcodes
    except ImportError as error:
        raise ReadError(
            'the package zipcodes, which holds this data, is not installed; run: pip install "assay[data]"'
        ) from error
    try:
        rows = sorted(zipcodes.list_all(), key=lambda row: str(row["zip_code"]))
        columns = {name: pa.array([row[name] or None for row in rows], pa.string()) for name in _TEXTS}
        places = [(float(row["lat"]), float(row["long"])) for row in rows]
        columns["latitude"] = pa.array([None if place == (0, 0) else place[0] for place in places], pa.float64())
        columns["longitude"] = pa.array([None if place == (0, 0) else place[1] for place in places], pa.float64())
        columns["active"] = pa.array([bool(row["active"]) for row in rows])
    except (KeyError, TypeError, ValueError, AttributeError, pa.ArrowException) as error:
        raise ReadError(
            f"the package zipcodes does not hold what was expected ({type(error).__name__}: {error}); "
            'install the version that assay knows: pip install "assay[data]"'
        ) from error
    return pa.table(columns)
