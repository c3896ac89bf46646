"""A table that is computed: the height of the tide, hour by hour."""

from __future__ import annotations

import datetime
import math

import pyarrow as pa

_BEGIN = datetime.datetime(2026, 1, 1)
_MOON_HOURS, _SUN_HOURS = 12.4206, 12.0  # the periods of the constituents M2 and S2


def tides(rows: int = 720) -> pa.Table:
    """The height of the tide in centimetres, an hour a row."""
    heights = [
        round(220 * math.cos(2 * math.pi * hour / _MOON_HOURS) + 80 * math.cos(2 * math.pi * hour / _SUN_HOURS))
        for hour in range(rows)
    ]
    times = [_BEGIN + datetime.timedelta(hours=hour) for hour in range(rows)]
    return pa.table({"at": pa.array(times, pa.timestamp("s")), "height_cm": pa.array(heights, pa.int32())})
