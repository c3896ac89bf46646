"""Writes a query log of ten thousand statements on flights, as an airport's information system would ask.

    python scripts/flights_queries.py bench/flights_queries.sql.gz

Destinations and planes are asked as often as they fly; nine joins of ten are with airports. The same
seed gives the same bytes.
"""

from __future__ import annotations

import gzip
import random
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

STATEMENTS = 10_000
SEED = 20130101


def log(statements: int = STATEMENTS, seed: int = SEED) -> list[str]:
    """The statements in order, BEGIN and COMMIT between them but not counted."""
    from assay.datasets import open_dataset

    table = open_dataset("flights").table(["dest", "tailnum"]).to_pylist()
    flights = [row for row in table if row["tailnum"] is not None]
    rows = random.Random(seed)
    lines: list[str] = []
    count = 0
    while count < statements:
        found = list(_work(rows, flights))[: statements - count]
        count += len(found)
        lines += ["BEGIN;", *found, "COMMIT;"] if len(found) > 1 else found
    return lines


def _work(rows: random.Random, flights: list[dict[str, str]]) -> Iterator[str]:
    """One statement, or those of one transaction."""
    kind, flight, other = rows.random(), rows.choice(flights), rows.choice(flights)
    day = date(2013, 1, 1) + timedelta(rows.randrange(365))
    dest, plane = flight["dest"], flight["tailnum"]
    if kind < 0.60:
        yield (
            "SELECT f.flight, f.sched_arr_time, a.name FROM flights f JOIN airports a ON a.faa = f.dest "
            f"WHERE f.dest = '{dest}' AND f.time_hour >= '{day}' AND f.time_hour < '{day + timedelta(1)}';"
        )
    elif kind < 0.80:
        yield f"SELECT count(*), avg(arr_delay) FROM flights JOIN airports ON faa = dest WHERE dest = '{dest}';"
    elif kind < 0.86:
        some = sorted({rows.choice(flights)["dest"] for _ in range(rows.randrange(2, 6))})
        yield f"SELECT dest, max(arr_delay) FROM flights WHERE dest IN ({', '.join(map(repr, some))}) GROUP BY dest;"
    elif kind < 0.95:
        yield f"SELECT f.*, p.seats FROM flights f JOIN planes p USING (tailnum) WHERE f.tailnum = '{plane}';"
    elif kind < 0.97:
        yield f"UPDATE flights SET dep_delay = {rows.randrange(200)} WHERE tailnum = '{plane}' AND dest = '{dest}';"
        yield (
            f"UPDATE flights SET arr_delay = {rows.randrange(200)} WHERE tailnum = '{other['tailnum']}' "
            f"AND dest = '{other['dest']}';"
        )
    elif kind < 0.99:
        yield f"SELECT carrier, count(*) FROM flights WHERE time_hour::date = '{day}' GROUP BY carrier;"
    else:
        yield f"SELECT name FROM airports WHERE faa = '{dest}';"


if __name__ == "__main__":
    text = "\n".join(log()) + "\n"
    Path(sys.argv[1]).write_bytes(gzip.compress(text.encode(), 9, mtime=0))
