"""Strategies worth trying on a table, for somebody who has named none.

From the columns that may be keys, a time and lists (`assay.datasets.guess_roles`): a hash and a
ring of the best key, hashes of the next two, a range of the time, a list of the best list column,
list and hash combined, and round robin as the baseline that spreads rows evenly and keeps nothing
together.
"""

from __future__ import annotations

import pyarrow as pa

from assay.datasets import Dataset, guess_roles
from assay.datasets.arrow_types import plain_type
from assay.datasets.spelling import quote_name
from assay.errors import EmptyInputError

__all__ = ["propose"]


def propose(dataset: Dataset, keys: list[str]) -> list[str]:
    """Spellings of strategies to compare, the most natural first.

    Args:
        dataset: The table.
        keys: Columns that the user has in mind; if there are none, they are guessed.

    Raises:
        EmptyInputError: No column can be a key.
    """
    for name in keys:
        dataset.column(name)
    roles = guess_roles(dataset)
    candidates = [quote_name(name) for name in (keys or roles.keys)]
    lists = [quote_name(name) for name in roles.lists if name not in keys]
    time = None if roles.time is None else quote_name(roles.time)
    found: list[str] = []
    if candidates:
        best = candidates[0]
        found += [f"hash({name})" for name in candidates]
        found += [f"ring({best}, virtual_nodes=128)", f"jump({best})"]
        if keys:
            found += [f"range({name})" for name in candidates]
            found += [
                f"modulo({quote_name(name)})"
                for name in keys
                if pa.types.is_integer(plain_type(dataset.column(name).type))
            ]
    if time:
        found.append(f"range({time})")
    if lists:
        found.append(f"list({lists[0]})")
        if candidates and lists[0] != candidates[0]:
            found.append(f"composite(list({lists[-1]}), hash({candidates[0]}))")
    found.append("round_robin")
    if len(found) == 1:
        raise EmptyInputError(
            f"{dataset.name} has no column that looks like a key (text, whole numbers or times with few nulls); "
            "name strategies, such as hash(column)"
        )
    return list(dict.fromkeys(found))
