"""Plans of a rebalance: the bytes from node to node, and the time they take at a bandwidth.

A node sends and receives at the same time, each at the bandwidth, and all nodes at once: the busiest node
decides. Nothing else is modelled: no throttle, no load beside it, no retry. Cost: a sort of the moved keys.
Source: METHODOLOGY, "Actions and movement".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from assay import _core
from assay.experiments.distinct import numpy_of, total
from assay.experiments.partitioning.aspects.aspect import Found

__all__ = ["LINKS_SHOWN", "MOST_PAIRS", "Links", "links_of", "links_of_pairs", "tell"]

LINKS_SHOWN = 20  # of a plan's links, those of the most bytes
MOST_PAIRS = 1 << 20  # pairs of nodes of which each is summed where rows, not keys, decide


@dataclass(frozen=True)
class Links:
    """The bytes that move, by pairs of nodes.

    Attributes:
        sent: uint64 of shape (nodes before,): what each node sends away.
        received: uint64 of shape (nodes after,): what each receives.
        pairs: (position before, position after, bytes) of each link that carries some; None where not kept apart.
    """

    sent: np.ndarray
    received: np.ndarray
    pairs: list[tuple[int, int, int]] | None


def links_of(here: np.ndarray, there: np.ndarray, moves: np.ndarray, sizes: np.ndarray, n: int, after: int) -> Links:
    """The links of keys that move.

    Args:
        here: Unsigned, the partition of each key before.
        there: Unsigned, after.
        moves: bool, whether it is on another node then.
        sizes: uint64, the bytes of its rows.
        n: The number of partitions before.
        after: The number of partitions after.
    """
    codes = here[moves].astype(np.uint64) * np.uint64(after) + there[moves]
    if n * after <= MOST_PAIRS:
        sums = numpy_of(_core.sum_by(pa.array(codes.astype(np.uint32)), pa.array(sizes[moves]), n * after))
        links = np.flatnonzero(sums)
        return links_of_pairs(links, sums[links], n, after)
    order = np.argsort(codes, kind="stable")
    links, first = np.unique(codes[order], return_index=True)
    carried = np.add.reduceat(sizes[moves][order], first) if len(links) else np.empty(0, np.uint64)
    return links_of_pairs(links, carried, n, after)


def links_of_pairs(codes: np.ndarray, carried: np.ndarray, n: int, after: int) -> Links:
    """The links, given the pairs (before · after + there) that differ in node, and the bytes of each."""
    kept = carried > 0
    before, now = np.divmod(codes[kept].astype(np.int64), after)
    sent, received = np.zeros(n, np.uint64), np.zeros(after, np.uint64)
    np.add.at(sent, before, carried[kept])
    np.add.at(received, now, carried[kept])
    return Links(sent, received, list(zip(before.tolist(), now.tolist(), carried[kept].tolist(), strict=True)))


def tell(action: str, links: Links, before: Sequence[int], now: Sequence[int], bandwidth: float, found: Found) -> None:
    """The metrics of a plan, and its busiest links as a series.

    Args:
        action: Its name.
        links: What moves.
        before: The node of each partition before.
        now: The node of each partition after.
        bandwidth: Bytes a second that a node sends, and receives.
        found: Where the findings go.
    """
    found.set(f"rebalance_bytes.{action}", total(links.sent))
    busiest = _busiest(links, before, now)
    found.set(f"rebalance_seconds.{action}", busiest / bandwidth)
    if links.pairs is not None:
        shown = sorted(links.pairs, key=lambda link: (-link[2], link[0], link[1]))[:LINKS_SHOWN]
        labels = [f"node-{before[source]} → node-{now[target]}" for source, target, _ in shown]
        found.series(f"rebalance.{action}", [carried for *_, carried in shown], labels)


def _busiest(links: Links, before: Sequence[int], now: Sequence[int]) -> int:
    """The most bytes that one node sends or receives."""
    return max(int(links.sent.max()), int(links.received.max()))
