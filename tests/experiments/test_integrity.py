"""The experiment `integrity`: faults really injected, promises of each checksum, forgeries, repairs, and bad input."""

from __future__ import annotations

import hashlib
import math
import pickle
import zlib
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from assay.catalogue import contenders
from assay.checksums import checksum
from assay.datasets import open_dataset
from assay.errors import AssayError, EmptyInputError, ParameterError, SpellingError, SuiteError, UnknownNameError
from assay.experiments.base import Answer, Findings, Value
from assay.experiments.integrity import EXPERIMENT
from assay.experiments.integrity.checking import Found, check, false_alarms, mended
from assay.experiments.integrity.content import content_of
from assay.experiments.integrity.copies import Copy, Intact
from assay.experiments.integrity.faults import PAGE_BYTES, inject, prepared
from assay.experiments.integrity.forging import MESSAGES, forged
from assay.experiments.integrity.job import IntegrityJob
from assay.experiments.integrity.metrics import METRICS
from assay.experiments.integrity.schemes import Kept, Scheme, parse_checksum, propose
from assay.experiments.integrity.settings import ACCIDENTS, ATTACKS, FAULTS, Fault, IntegritySettings
from assay.experiments.integrity.trials import proving_digests, read_amplification
from assay.harness import TimingSettings, run_suite, suite_from_dict
from assay.intervals import rate_interval
from assay.store import Store

DATA = bytes(np.random.default_rng(5).integers(0, 256, 40_000, np.uint8))
CRCS = ("crc32", "crc32c", "crc64_nvme")
CRYPTOGRAPHIC = [one.name for one in contenders("checksum") if "cryptographic" in one.abilities]
EVERY = [one.name for one in contenders("checksum")]


def intact(spelling: str = "crc32c", block_bytes: int = 1024, data: bytes = DATA) -> Intact:
    return Intact(parse_checksum(spelling), data, block_bytes)


def random(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def spelled(kept: str) -> str:
    return f"{'sha256' if kept == 'tree' else 'xxh3_64'}(kept={kept})"


def copy_with(fault: Fault, whole: Intact, seed: int) -> Copy:
    draws = random(seed)
    copy = inject(fault, prepared(fault, whole, draws), draws)
    assert copy is not None
    return copy


def plan(data: object = "uniform(rows=3000)", **settings: Any) -> IntegrityJob:
    settings = {"sample_bytes": "40KiB", "block_bytes": 1024, "trials": 20, **settings}
    return EXPERIMENT.job(open_dataset(data), IntegritySettings(**settings))


def answer_of(data: object = "uniform(rows=3000)", **settings: Any) -> Answer:
    settings = {"sample_bytes": "40KiB", "block_bytes": 1024, "trials": 20, **settings}
    job = plan(data, **settings)
    (found,) = EXPERIMENT.answer(job.cells, job.finish([], None).values, IntegritySettings(**settings), job)
    return found


def measured(spelling: str, **settings: Any) -> dict[str, Value]:
    job = plan(checksums=[spelling], **settings)
    findings = job.finish([], None)
    assert not findings.failures, findings.failures
    return {value.metric: value for value in findings.values}


# -- faults are what they say -----------------------------------------------------------------------


def apart(one: bytes, other: bytes) -> list[int]:
    return [place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b]


@pytest.mark.parametrize("seed", range(30))
def test_bits_flip_as_they_say(seed: int) -> None:
    flipped = copy_with("bit_flip", intact(), seed).data()
    (place,) = apart(DATA, flipped)
    assert (DATA[place] ^ flipped[place]).bit_count() == 1
    burst = int.from_bytes(copy_with("burst", intact(), seed).data(), "little") ^ int.from_bytes(DATA, "little")
    first = (burst & -burst).bit_length() - 1
    assert 2 <= burst.bit_length() - first <= 32


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("block_bytes", [512, 4096, 9000])
def test_blocks_go_where_they_say(seed: int, block_bytes: int) -> None:
    whole = intact(block_bytes=block_bytes)
    zeroed = copy_with("zeroed_page", whole, seed).data()
    places = apart(DATA, zeroed)
    page = places[0] // PAGE_BYTES * PAGE_BYTES
    assert zeroed == DATA[:page] + bytes(len(DATA[page : page + PAGE_BYTES])) + DATA[page + PAGE_BYTES :]

    swapped = copy_with("swapped_blocks", whole, seed)
    one, other = sorted(swapped.damaged())
    assert swapped.block(one) == whole.block(other) and swapped.block(other) == whole.block(one)

    duplicated = copy_with("duplicated_block", whole, seed)
    (over,) = duplicated.damaged()
    assert duplicated.block(over) in [whole.block(number) for number in range(whole.blocks) if number != over]

    lost = copy_with("lost_tail", whole, seed)
    assert DATA.startswith(lost.data()) and len(lost.data()) % block_bytes == 0 and 0 < len(lost.data()) < len(DATA)
    cut = copy_with("truncation", whole, seed)
    assert DATA.startswith(cut.data()) and len(cut.data()) % block_bytes

    torn = copy_with("torn_write", whole, seed)
    (number,) = torn.damaged()
    assert torn.block(number)[0:1] + torn.block(number)[-1:] != whole.block(number) and torn.differs()


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_always_changes_the_data_and_depends_on_its_seed_alone(fault: Fault) -> None:
    found = [copy_with(fault, intact(), seed).data() for seed in range(12)]
    assert found == [copy_with(fault, intact(), seed).data() for seed in range(12)]
    assert len(set(found)) > 1
    for seed, data in enumerate(found):
        assert data != prepared(fault, intact(), random(seed)).data


def test_what_the_data_has_no_place_for_is_not_injected() -> None:
    alike = intact(data=bytes(8192))
    for fault in ("zeroed_page", "swapped_blocks", "duplicated_block"):
        assert inject(fault, alike, random(1)) is None  # type: ignore[arg-type]
    found = measured("crc32c", data=pa.table({"n": pa.nulls(60_000, pa.int64())}), faults=["swapped_blocks"])
    value = found["missed_share.swapped_blocks"]
    assert value.value is None and "no place for it" in (value.note or "")


# -- checks -----------------------------------------------------------------------------------------


def root_of(leaves: list[bytes], name: str) -> bytes:
    """The root of a Merkle tree by the definition of RFC 6962."""
    if len(leaves) == 1:
        return leaves[0]
    left = 1
    while 2 * left < len(leaves):
        left *= 2
    found = checksum(b"\x01" + root_of(leaves[:left], name) + root_of(leaves[left:], name), name)
    assert isinstance(found, bytes)
    return found


def naive(copy: Copy) -> Found:
    """As a program would do it: all blocks of the copy, one after the other, computed from the bytes that are there."""
    whole, scheme, size = copy.intact, copy.intact.scheme, copy.intact.block_bytes
    data = copy.data()
    if scheme.kept == "whole":
        return Found(scheme.of(data) != whole.checksums[0], frozenset())
    if scheme.kept == "tree":
        leaves = [scheme.of(data[i : i + size]) for i in range(0, len(data), size)]
        longest = max(len(leaves), whole.blocks)
        padded = [*leaves, *[b""] * longest], [*whole.checksums, *[b""] * longest]
        places = frozenset(number for number in range(longest) if padded[0][number] != padded[1][number])
        return Found(root_of(leaves, scheme.name) != root_of(whole.checksums, scheme.name), places)
    broken = set()
    for number in range(-(-len(data) // size)):
        expected = whole.checksums[number]
        if scheme.moves_with_blocks and number in copy.carried:
            expected = copy.carried[number]  # type: ignore[assignment]
        if scheme.of(data[number * size : (number + 1) * size], number) != expected:
            broken.add(number)
    if scheme.kept == "list":
        broken |= set(range(-(-len(data) // size), whole.blocks))
    return Found(bool(broken), frozenset(broken))


@pytest.mark.parametrize("kept", get_args(Kept))
@pytest.mark.parametrize("fault", FAULTS)
def test_a_check_says_what_computing_everything_says(kept: str, fault: Fault) -> None:
    whole = intact(spelled(kept), 700)
    for seed in range(6):
        copy = copy_with(fault, whole, seed)
        assert check(copy) == naive(copy)


@pytest.mark.parametrize(
    "spelling", [*EVERY, *(f"{name}(kept=numbered)" for name in EVERY), "sha256(bits=12)", "md5(kept=tree)"]
)
def test_checksums_of_blocks_are_those_of_each_block(spelling: str) -> None:
    whole = intact(spelling, 3000)
    assert whole.checksums == [whole.scheme.of(whole.block(number), number) for number in range(whole.blocks)]
    assert {len(one) for one in whole.checksums} == {whole.scheme.width}
    assert false_alarms(whole) == 0


def test_checksums_are_those_of_the_primitives() -> None:
    block = DATA[:1024]
    assert intact("crc32").scheme.of(block) == zlib.crc32(block).to_bytes(4, "little")
    assert intact("md5").scheme.of(block) == hashlib.md5(block).digest()
    numbered = intact("sha256(kept=numbered)").scheme.of(block, 3)
    assert numbered == hashlib.sha256((3).to_bytes(8, "little") + block).digest()
    assert intact("crc32(bits=12)").scheme.of(block) == (zlib.crc32(block) & 0xFFF).to_bytes(2, "little")


# -- what each checksum promises --------------------------------------------------------------------


@given(start=st.integers(0, 8 * 1024 - 32), pattern=st.integers(1, 2**32 - 1), name=st.sampled_from(CRCS))
def test_a_crc_catches_every_burst_of_up_to_32_bits(start: int, pattern: int, name: str) -> None:
    block = DATA[:1024]
    damaged = (int.from_bytes(block, "little") ^ pattern << start).to_bytes(1024, "little")
    assert checksum(damaged, name) != checksum(block, name)


@pytest.mark.parametrize("name", EVERY)
def test_in_a_list_every_checksum_catches_and_locates_and_mends_every_accident(name: str) -> None:
    found = measured(name)
    for fault in ACCIDENTS:
        assert found[f"missed_share.{fault}"].value == 0
        assert found[f"located_share.{fault}"].value == found[f"repaired_share.{fault}"].value == 1
    assert found["refused_share"].value == 1


@pytest.mark.parametrize(
    ("kept", "missed"),
    [
        ("list", {"forged_crc"}),
        ("whole", {"forged_crc"}),
        (
            "block",
            {"swapped_blocks", "duplicated_block", "stale_block", "lost_tail", "forged_crc", "rewritten_block"},
        ),
        ("numbered", {"stale_block", "lost_tail", "forged_crc", "rewritten_block"}),
    ],
)
def test_what_a_crc_misses_depends_on_how_it_is_kept(kept: str, missed: set[str]) -> None:
    found = measured(f"crc32c(kept={kept})")
    assert {fault for fault in FAULTS if found[f"missed_share.{fault}"].value == 1} == missed
    assert {fault for fault in FAULTS if found[f"missed_share.{fault}"].value == 0} == set(FAULTS) - missed


def test_few_bits_miss_as_many_as_chance_says() -> None:
    # A flipped bit changes none of 4 bits of a CRC with probability 1/16: each of these bits is as good as drawn.
    found = measured("crc32c(bits=4)", trials=800, faults=["bit_flip", "stale_block"])
    for fault in ("bit_flip", "stale_block"):
        value = found[f"missed_share.{fault}"]
        assert value.value is not None
        low, high = rate_interval(round(value.value * 800), 800, confidence=0.999)
        assert low <= 1 / 16 <= high
        assert (value.low, value.high) == rate_interval(round(value.value * 800), 800)


def test_a_weak_checksum_is_found_out() -> None:
    answer = answer_of(checksums=["crc32c(bits=2)", "crc32c"])
    assert answer.best == "crc32c" and "missed" in answer.dropped["crc32c(bits=2)"]


def test_few_bits_are_not_the_answer_even_where_few_trials_met_no_miss() -> None:
    answer = answer_of(checksums=["crc32c(bits=24)", "crc32c"], trials=2)
    assert answer.best == "crc32c"
    assert answer.dropped["crc32c(bits=24)"] == (
        "has 24 bits: of damage without any pattern one in 16,777,216 passes, met by these trials or not"
    )


def test_a_sum_that_is_no_checksum_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def planted(self: Scheme, payload: bytes, number: int = 0) -> bytes:
        return (sum(payload) % 2**32).to_bytes(4, "little")

    monkeypatch.setattr(Scheme, "of", planted)
    monkeypatch.setattr(
        Scheme,
        "of_blocks",
        lambda self, data, size: [self.of(bytes(data[i : i + size])) for i in range(0, len(data), size)],
    )
    # A sum does not notice that the bytes of a block stand in another order.
    whole = intact("crc32", 1024)
    turned = Copy(whole)
    turned.write(0, whole.block(0)[::-1], None)
    assert turned.differs() and not check(turned).caught


# -- attacks ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CRCS)
@pytest.mark.parametrize("length", [256, 1024, 5000])
def test_a_crc_is_forged_with_a_few_bytes(name: str, length: int) -> None:
    scheme, block = parse_checksum(name), DATA[:length]
    for seed in range(10):
        other = forged(scheme, block, random(seed))
        assert other != block and len(other) == length
        assert checksum(other, name) == checksum(block, name)
        if name == "crc32":
            assert zlib.crc32(other) == zlib.crc32(block)


@pytest.mark.parametrize(
    "spelling", ["crc32(kept=numbered)", "crc64_nvme(kept=whole)", "crc32c(bits=8)", "crc32c(bits=19)"]
)
def test_a_crc_is_forged_however_it_is_kept(spelling: str) -> None:
    whole = intact(spelling)
    for seed in range(5):
        copy = copy_with("forged_crc", whole, seed)
        assert copy.differs() and not check(copy).caught


@pytest.mark.parametrize("name", [name for name in EVERY if name not in CRCS])
def test_what_is_not_linear_withstands_the_forgery(name: str) -> None:
    whole = intact(name)
    assert all(check(copy_with("forged_crc", whole, seed)).caught for seed in range(5))


def test_the_two_messages_have_one_md5_and_nothing_else_in_common() -> None:
    first, second = MESSAGES
    assert len(first) == len(second) == 128 and first != second
    assert hashlib.md5(first).hexdigest() == hashlib.md5(second).hexdigest() == "79054025255fb1a26e4bc422aef54eb4"
    assert hashlib.sha1(first).digest() != hashlib.sha1(second).digest()


def test_md5_misses_its_collision_unless_something_stands_before_it() -> None:
    missed = {
        spelling: measured(spelling, faults=["md5_collision"])["missed_share.md5_collision"].value
        for spelling in (
            *("md5", "md5(kept=block)", "md5(kept=whole)", "md5(kept=numbered)", "md5(kept=tree)"),
            *("sha1", "crc32c", "blake3"),
        )
    }
    assert missed == {
        "md5": 1,
        "md5(kept=block)": 1,
        "md5(kept=whole)": 1,
        "md5(kept=numbered)": 0,  # after the block's number MD5 is in another state
        "md5(kept=tree)": 0,  # as is a leaf's 0x00
        "sha1": 0,
        "crc32c": 0,
        "blake3": 0,
    }


# -- repairs ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", FAULTS)
def test_a_repair_fetches_what_is_named_and_no_more(fault: Fault) -> None:
    for seed in range(8):
        copy = copy_with(fault, intact("blake3"), seed)
        found = check(copy)
        assert found.broken == copy.damaged()
        result = mended(copy, found, Copy(copy.intact))
        assert result.equal and not result.refused
        assert result.fetched_bytes == sum(len(copy.intact.block(number)) for number in found.broken)


def test_one_checksum_for_everything_fetches_everything() -> None:
    copy = copy_with("bit_flip", intact("crc32c(kept=whole)"), 1)
    result = mended(copy, check(copy), Copy(copy.intact))
    assert result.equal and result.fetched_bytes == len(DATA)


@pytest.mark.parametrize("kept", get_args(Kept))
def test_a_repair_from_a_broken_copy_is_refused(kept: str) -> None:
    whole = intact(spelled(kept))
    copies = []
    for bit in (1, 2):
        copy = Copy(whole)
        copy.write_bytes({5000: DATA[5000] ^ bit})
        copies.append(copy)
    assert mended(copies[0], check(copies[0]), copies[1]).refused
    lost = Copy(whole, length=1024)
    assert whole.scheme.moves_with_blocks or mended(copies[0], check(copies[0]), lost).refused


# -- the bytes of a dataset -------------------------------------------------------------------------


def test_the_bytes_of_a_file_are_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "n.parquet"
    pq.write_table(pa.table({"n": list(range(5_000))}), path)
    content = path.read_bytes()
    assert content_of(open_dataset(str(path)), 10**9) == content
    assert content_of(open_dataset(str(path)), 3_000) == content[:3_000]
    for part in ("a", "b"):
        pq.write_table(pa.table({"n": [1, 2]}), tmp_path / f"{part}.parquet")
    both = (tmp_path / "a.parquet").read_bytes() + (tmp_path / "b.parquet").read_bytes()
    assert content_of(open_dataset(str(tmp_path / "[ab].parquet")), len(both) - 3) == both[:-3]


def test_the_bytes_of_a_table_are_defined() -> None:
    table = pa.table(
        {
            "n": pa.array([1, None], pa.int16()),
            "t": pa.array(["ab", None]),
            "b": pa.array([True, None]),
            "d": pa.array(["x", "x"]).dictionary_encode(),
            "v": pa.array(["", "y"], pa.string_view()),
            "z": pa.nulls(2),
        }
    )
    expected = (
        b"\x01\x00" b"\x01\x00\x00\x00"  # n: there, not; 1, zeros
        b"\x01\x00" b"\x02\x00\x00\x00\x00\x00\x00\x00" b"ab"
        b"\x01\x00" b"\x01\x00"
        b"\x01\x01" b"\x01\x00\x00\x00\x01\x00\x00\x00" b"xx"
        b"\x01\x01" b"\x00\x00\x00\x00\x01\x00\x00\x00" b"y"
        b"\x00\x00"
    )  # fmt: skip
    assert content_of(open_dataset(table), 1000) == expected
    with pytest.raises(AssayError, match="no defined bytes"):
        content_of(open_dataset(pa.table({"l": [[1]]})), 10)


def test_the_bytes_of_a_table_do_not_depend_on_its_chunks() -> None:
    table = pa.table({"n": list(range(10_000)), "t": [str(n) * (n % 5) for n in range(10_000)]})
    chunked = pa.concat_tables([table.slice(0, 3), table.slice(3, 5_001), table.slice(5_004)])
    whole = content_of(open_dataset(table), 10**7)
    assert whole == content_of(open_dataset(chunked), 10**7)
    assert hashlib.sha256(whole).hexdigest()[:16] == "6a846f5636ede7e6"


# -- the contract of a job --------------------------------------------------------------------------


def test_a_plan_gives_the_same_bits_wherever_it_runs() -> None:
    job = plan(block_bytes=[512, 1024], trials=5)
    first, second = job.finish([], None), pickle.loads(pickle.dumps(job)).finish([], None)
    assert first == second and len(job.cells) == 2 * len(propose())


def test_every_metric_is_declared_and_met_with_its_interval() -> None:
    met = set()
    for value in plan(trials=3).finish([], None).values:
        stem, dot, fault = value.metric.partition(".")
        assert not dot or fault in FAULTS
        name = f"{stem}.FAULT" if dot else stem
        met.add(name)
        if value.value is None:
            assert value.note
        elif METRICS[name].kind == "seeded":
            assert value.low is not None and value.high is not None and value.low <= value.value <= value.high
    assert met == {name for name, metric in METRICS.items() if metric.kind != "timed"}


def test_the_answer_knows_accidents_from_attacks() -> None:
    checksums = ["crc32c", "md5", "blake3", "crc32c(kept=whole)"]
    answer = answer_of(checksums=checksums)
    assert answer.best == "crc32c" and answer.dropped == {"crc32c(kept=whole)": "cannot say which blocks are broken"}
    assert any("no defence" in note and "blake3" in note for note in answer.notes)
    guarded = answer_of(checksums=checksums, adversary=True)
    assert guarded.best == "blake3"
    others = answer_of(checksums=["xxh3_64", "sha1", "sha256(bits=64)", "md5(kept=numbered)"], adversary=True)
    assert others.best is None and set(others.dropped) == {"xxh3_64", "sha1", "sha256(bits=64)", "md5(kept=numbered)"}
    assert "not made to withstand" in others.dropped["xxh3_64"] and "published" in others.dropped["sha1"]
    assert "mended CRC" in guarded.dropped["crc32c"] and "collisions of MD5" in guarded.dropped["md5"]
    assert answer_of(checksums=["crc32c(kept=block)"]).best is None


def test_the_seed_decides_where_faults_strike() -> None:
    names = ("crc32c(bits=3)",)
    first, again, other = (
        [value.value for value in plan(checksums=list(names), seed=seed, trials=60).finish([], None).values]
        for seed in (1, 1, 2)
    )
    assert first == again != other


def test_reading_a_page_costs_the_blocks_that_it_lies_in() -> None:
    data = bytes(65536)
    assert read_amplification(intact("crc32c", 4096, data)) == (4096 + 4) / 4096
    assert read_amplification(intact("crc32c", 65536, data)) == 16 * (65536 + 4) / 65536
    assert read_amplification(intact("crc32c", 512, data)) == 8 * (512 + 4) / 4096
    assert read_amplification(intact("crc32c(kept=whole)", 512, data)) == 16 * (65536 + 4) / 65536
    # A tree over 16 blocks of a page: four digests beside the way to the root.
    assert read_amplification(intact("sha256(kept=tree)", 4096, data)) == (4096 + 4 * 32) / 4096
    # Three pages of 4,096 in blocks of 6,144: the first and the last one meet one block, the middle one both.
    assert read_amplification(intact("crc32c", 6144, data[:12288])) == (4 * 6144 + 4 * 4) / 12288


def test_the_harness_times_every_checksum_and_tells_its_rate() -> None:
    entry = {"kind": "integrity", "dataset": "uniform(rows=3000)", "sample_bytes": 10_240, "block_bytes": 1024}
    entry |= {"trials": 1, "faults": ["bit_flip"], "checksums": ["crc32c", "md5(kept=numbered)", "blake3(kept=whole)"]}
    quick = TimingSettings(processes=1, rounds=1, samples=1, target_sample_ns=1000, least_rounds=1)
    with Store(None) as store:
        outcome = run_suite(suite_from_dict({"experiment": [entry]}), store, timing=quick)
        rows = store.query("SELECT contender, metric, value FROM result WHERE kind = 'timed' ORDER BY ALL").to_pylist()
    assert outcome.exit_code == 0, outcome.failures
    found = {(row["contender"], row["metric"]): row["value"] for row in rows}
    assert len(found) == 6
    for name in entry["checksums"]:  # type: ignore[attr-defined]
        assert found[name, "throughput"] * found[name, "check_ns"] == pytest.approx(1024)


# -- bad input --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"checksums": ["crc32d"]}, UnknownNameError, "did you mean"),
        ({"checksums": ["crc32c(keep=list)"]}, UnknownNameError, 'did you mean "kept"'),
        ({"checksums": ["crc32c(kept=blocks)"]}, UnknownNameError, 'did you mean "block"'),
        ({"checksums": ["crc32c(bits=33)"]}, ParameterError, "from 1 to 32"),
        ({"checksums": ["crc32c(kept=tree)"]}, ParameterError, "would prove nothing.*choose one of md5, sha1, sha256"),
        ({"checksums": ["sha256(kept=tree, bits=8)"]}, ParameterError, "leave bits out"),
        ({"checksums": ["crc32c(n)"]}, SpellingError, "is spelled crc32c"),
        ({"checksums": ["md5", "md5"]}, ParameterError, "named twice"),
        ({"sample_bytes": 4096, "block_bytes": 4096}, ParameterError, "two blocks"),
    ],
)
def test_a_mistake_names_the_way_out(settings: dict[str, Any], error: type[AssayError], words: str) -> None:
    with pytest.raises(error, match=words):
        plan(**settings)


def test_several_mistakes_are_told_at_once() -> None:
    with pytest.raises(SuiteError) as caught:
        plan(checksums=["crc32d", "md5(bits=0)", "md5"])
    assert [place for place, _ in caught.value.mistakes] == ["checksums[0]", "checksums[1]"]


def test_too_little_data_is_refused_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(EmptyInputError, match=r"too few for two blocks of 1,024; take smaller blocks"):
        plan(pa.table({"n": [1, 2, 3]})).finish([], None)
    with pytest.raises(EmptyInputError, match="no rows"):
        plan(pa.table({"n": pa.array([], pa.int64())}))


@pytest.mark.parametrize(
    "settings",
    [
        {"block_bytes": 100},
        {"trials": 0},
        {"faults": ["bitflip"]},
        {"faults": []},
        {"sample_bytes": "2GiB"},
        {"sample_bytes": "much"},
    ],
)
def test_a_setting_out_of_its_bounds_is_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        IntegritySettings(**settings)


def test_accidents_and_attacks_are_all_that_there_is() -> None:
    assert {*ACCIDENTS, *ATTACKS} == set(FAULTS) and not set(ACCIDENTS) & set(ATTACKS)
    assert math.isclose(rate_interval(0, 100)[1], 0.0362, abs_tol=1e-4)  # as the methodology says
    assert set(CRYPTOGRAPHIC) <= set(EVERY)


def test_findings_of_a_cell_that_fails_leave_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    from assay.experiments.integrity import job as job_module

    def fails(contest: Any, data: bytes) -> Any:
        if contest.scheme.name == "md5":
            raise ParameterError("it is broken")
        return real(contest, data)

    real = job_module.measure
    monkeypatch.setattr(job_module, "measure", fails)
    findings: Findings = plan(checksums=["md5", "crc32c"], trials=2).finish([], None)
    assert list(findings.failures.values()) == ["it is broken"] and findings.values


@pytest.mark.parametrize("blocks", [1, 2, 3, 5, 8, 13])
def test_the_digests_that_prove_a_block_are_those_of_its_proof(blocks: int) -> None:
    whole = intact("sha256(kept=tree)", 512, DATA[: 512 * blocks])
    lengths = [len(whole.tree.proof(number).siblings) for number in range(blocks)]
    assert proving_digests(whole) == sum(lengths) / blocks


@pytest.mark.parametrize("name", CRYPTOGRAPHIC)
def test_a_tree_catches_locates_and_mends_accidents_and_attacks(name: str) -> None:
    found = measured(f"{name}(kept=tree)", trials=6)
    for fault in FAULTS:
        assert found[f"missed_share.{fault}"].value == 0
        assert found[f"located_share.{fault}"].value == found[f"repaired_share.{fault}"].value == 1
    assert found["refused_share"].value == 1
    assert found["checksum_bytes_per_mib"].value == pytest.approx(41 * intact(name).scheme.width * 2**20 / 40_960)
