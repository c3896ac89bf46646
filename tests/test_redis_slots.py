"""Redis's slots from Python: published slots, tags, moves, and what is refused."""

from __future__ import annotations

import binascii
import pickle
from collections import Counter

import pyarrow as pa
import pytest

import assay
from assay.errors import ParameterError

PUBLISHED = {
    "foo": 12182,
    "bar": 5061,
    "hello": 866,
    "somekey": 11058,
    "foo{hash_tag}": 2515,
    "{user1000}.x": 3443,
    "": 0,
}


def test_each_slot_has_a_node_and_keys_have_the_published_slots() -> None:
    # As many nodes as slots: the position of a key's node is its slot.
    one_each = assay.RedisSlots(16_384)
    assert one_each.lookup(pa.array(list(PUBLISHED))).to_pylist() == list(PUBLISHED.values())
    assert one_each.lookup(pa.array([key.encode() for key in PUBLISHED])).to_pylist() == list(PUBLISHED.values())
    assert one_each.lookup(pa.array(list(PUBLISHED)).dictionary_encode()).to_pylist() == list(PUBLISHED.values())


def test_tags_are_looked_for_in_text_and_binary_alone() -> None:
    one_each = assay.RedisSlots(16_384)
    number = int.from_bytes(b"{abcdef}", "little")
    found = one_each.lookup(pa.array([number, None], pa.int64())).to_pylist()
    assert found == [binascii.crc_hqx(b"{abcdef}", 0) % 16_384, None]
    assert one_each.lookup(pa.array(["{abcdef}"])).to_pylist() == [binascii.crc_hqx(b"abcdef", 0) % 16_384]


def test_a_node_more_and_one_less_move_the_fewest_slots() -> None:
    three = assay.RedisSlots(["a", "b", "c"])
    assert Counter(three.slots) == {0: 5461, 1: 5461, 2: 5462}
    four = three.with_node("d")
    assert Counter(four.slots) == dict.fromkeys(range(4), 4096)
    assert three.moved_share(four) == 0.25
    assert four.moved_share(four.without_node("d")) == 0.25
    assert four.moved_share(four.without_node("a")) == 0.25
    assert four.ownership() == {"a": 0.25, "b": 0.25, "c": 0.25, "d": 0.25}
    heavier = three.with_node("d", weight=3)
    assert Counter(heavier.slots)[3] == 8192 and three.moved_share(heavier) == 0.5


def test_the_slots_of_a_cluster_can_be_given_kept_and_pickled() -> None:
    slots = [slot % 3 for slot in range(16_384)]
    cluster = assay.RedisSlots(3, slots=pa.array(slots))
    assert list(cluster.slots) == slots
    assert pickle.loads(pickle.dumps(cluster)) == cluster != assay.RedisSlots(3)
    assert hash(cluster) == hash(assay.RedisSlots(3, slots=slots))
    assert cluster.lookup(pa.array(["foo"])).to_pylist() == [12182 % 3]
    plain = assay.RedisSlots(["x", "y"], weights=[1, 3])
    assert eval(repr(plain), {"RedisSlots": assay.RedisSlots}) == plain
    assert "after a change: 5462, 5461, 5461 slots" in repr(cluster)
    assert cluster.memory_bytes == 2 * 16_384 and cluster.parameters == {}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"slots": [0] * 5}, "slots has 5 entries; expected 16384"),
        ({"slots": [0] * 16_383 + [3]}, r"slots\[16383\] is 3; expected the position of one of the 3 nodes"),
        ({"slots": [0] * 16_383 + [-1]}, r"slots\[16383\] is -1"),
        ({"slots": "abc"}, "expected 16384 positions"),
        ({"weights": [1, 0, 1]}, "above 0"),
    ],
)
def test_slots_and_weights_that_cannot_be_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        assay.RedisSlots(3, **options)  # type: ignore[arg-type]


def test_what_redis_slots_cannot_do_is_refused() -> None:
    with pytest.raises(ParameterError, match="16385 nodes for 16384 slots"):
        assay.RedisSlots(16_385)
    with pytest.raises(ParameterError, match="no replicas; choose ring or rendezvous"):
        assay.RedisSlots(3).replicas(pa.array(["a"]), 2)
