"""Embedded engines as contenders of room `index`: the same rows and questions as `assay.Index`, by a real database.

    from assay.engines import open_engine, why_unavailable

    with open_engine("duckdb(index=art)") as engine:
        engine.fill(table, ["carrier", "flight"])
        engine.lookup(keys)

`duckdb` and `sqlite` come with assay and Python; `lmdb` and `rocksdb` need `pip install "assay[stores]"`, and
`why_unavailable` says so of those that are not there. Names resolve on first use, as the catalogue reads `CONTENDERS`
and must load nothing heavy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from assay.engines.contenders import CONTENDERS
    from assay.engines.engine import Engine
    from assay.engines.opening import open_engine, parse_engine, why_unavailable

__all__ = ["CONTENDERS", "Engine", "open_engine", "parse_engine", "why_unavailable"]

_HOMES = {"CONTENDERS": "contenders", "Engine": "engine"}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES.get(name, 'opening')}"), name)
