"""The claims suite: every sentence has the verdict that its file says, and its reading tells true numbers."""

from __future__ import annotations

import copy
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from assay.harness import RunOutcome, TimingSettings, load_suite, run_suite, suite_from_dict
from assay.store import Store

LIMITED = "write_back(dirty_limit=10)"
SUITE = Path(__file__).resolve().parents[2] / "bench" / "claims.toml"
CLAIMS: list[dict[str, Any]] = tomllib.loads(SUITE.read_text(encoding="utf-8"))["claim"]


@pytest.fixture(scope="module")
def measured() -> Iterator[tuple[Store, RunOutcome]]:
    """The whole suite, run once without timing: no claim rests on a timed number."""
    with Store(None) as store:
        yield store, run_suite(load_suite(SUITE), store, timing=TimingSettings.off())


def verdicts(store: Store, run_id: str) -> dict[str, str]:
    rows = store.query("SELECT sentence, verdict FROM claim WHERE run_id = ? ORDER BY position", [run_id])
    return {row["sentence"]: row["verdict"] for row in rows.to_pylist()}


def test_every_claim_has_the_verdict_that_the_file_expects(measured: tuple[Store, RunOutcome]) -> None:
    store, outcome = measured
    assert outcome.failures == ()
    assert verdicts(store, outcome.run_id) == {claim["sentence"]: claim["expected_verdict"] for claim in CLAIMS}
    assert (outcome.unmet, outcome.exit_code) == ((), 0)


def test_every_number_of_a_claim_speaks_as_its_verdict_says(measured: tuple[Store, RunOutcome]) -> None:
    """Evidence of a claim that holds is all met; each counterexample is one."""
    store, outcome = measured
    rows = store.query("SELECT verdict, evidence::VARCHAR AS evidence, counterexample::VARCHAR AS counterexample "
                       "FROM claim WHERE run_id = ?", [outcome.run_id]).to_pylist()  # fmt: skip
    assert len(rows) == len(CLAIMS)
    for row in rows:
        assert "null" not in row["evidence"] + row["counterexample"], "every number was measured"
        assert '"met":false' not in row["counterexample"].replace(" ", "")
        assert ('"met":false' in row["evidence"].replace(" ", "")) == (row["verdict"] == "refuted")


def test_a_claim_is_as_weak_as_its_weakest_number(measured: tuple[Store, RunOutcome]) -> None:
    store, outcome = measured
    rows = store.query("SELECT sentence, origin FROM claim WHERE run_id = ?", [outcome.run_id]).to_pylist()
    origins = {row["sentence"]: row["origin"] for row in rows}
    assert origins["Virtual nodes speed up a rebuild."] == "modelled", "the chance of losing data is computed"
    assert origins["Range partitioning by time spreads the load."] == "replayed", "growth replays rows by time"
    assert origins["ID % n spreads evenly."] == "measured"
    assert origins["Virtual nodes cost durability."] == "modelled", "as that of a rebuild"
    others = [claim for claim in CLAIMS if claim["topic"] != "Caching"]  # those about caches replay a trace
    assert sorted(origins.values()).count("measured") == len(others) - 4
    assert origins["Write-through loses no write when the cache crashes."] == "replayed"
    assert origins["Write-back is the fastest way to write."] == "modelled"


def test_the_claims_of_the_first_issue_are_there_with_a_reading() -> None:
    about = ("Round robin", "ID % n", "modulo n", "Consistent hashing moves", "even the load", "neighbours", "stronger",
             "hotspots")  # fmt: skip
    sentences = [claim["sentence"] for claim in CLAIMS]
    for word in about:
        assert sum(word in sentence for sentence in sentences) == 1, word
    for claim in CLAIMS:
        assert len(claim["reading"].split()) > 20, claim["sentence"]
        assert claim.get("counterexample") or claim["expected_verdict"] == "holds"


@pytest.mark.parametrize(
    ("contender", "dataset", "setting", "metric", "value", "places", "words"),
    [
        ("round_robin", "airlines", "8", "bytes_max_over_mean", 1.15, 2, "15 % more bytes"),
        ("round_robin", "planes", "64", "load_max_over_mean", 1.15, 2, "15 % more than the mean on one of 64"),
        ("modulo(key)", "uniform", "8", "load_max_over_mean", 1.6, 1, "1.6 times the mean"),
        ("modulo(flight)", "flights", "2", "load_max_over_mean", 1.33, 2, "133 %"),
        ("hash(flight)", "flights", "2", "load_max_over_mean", 1.02, 2, "at most 102 %"),
        ("modulo(flight)", "flights", "64", "load_max_over_mean", 2.13, 2, "2.13 times the mean"),
        ("hash(flight)", "flights", "64", "load_max_over_mean", 1.83, 2, "1.83 there"),
        ("hash(tailnum)", "flights", "8", "moved_share.add_one", 0.87, 2, "87 % of the flights"),
        ("ring(tailnum,virtual_nodes=128)", "flights", "8", "moved_share.add_one", 0.104, 3, "10.4 % of the rows"),
        ("ring(tailnum,virtual_nodes=1)", "flights", "8", "load_max_over_mean", 2.8, 1, "2.8 times the mean"),
        ("ring(tailnum,virtual_nodes=1024)", "flights", "8", "load_max_over_mean", 1.08, 2, "1.08 times"),
        ("ring(virtual_nodes=128)", "ascending", "4", "adjacent_equal_pairs", 125.1, 1, "125.1 and 125.7"),
        ("ring(virtual_nodes=128)", "ascending", "100", "adjacent_equal_pairs", 125.7, 1, "125.1 and 125.7"),
        ("ring(virtual_nodes=128)", "ascending", "4", "adjacent_equal_pairs_law", 127.2, 1, "127.2 of 512"),
        ("ring(virtual_nodes=128)", "ascending", "100", "adjacent_equal_pairs_law", 127.0, 1, "127.0 of 12,800"),
        ("range(time_hour)", "flights", "8", "growth_load_max_over_mean", 8, 9, "eight times the mean"),
        ("hash(tailnum)", "flights", "8", "growth_load_max_over_mean", 1.09, 2, "1.09 times the mean"),
        ("modulo(key)", "interleaved(rows=100000", "100", "load_max_over_mean", 10, 9, "ten times the mean"),
        ("modulo(key)", "interleaved(rows=102400", "64", "empty_partitions", 48, 0, "fill 16 of 64"),
        ("list(state)", "zipcodes", "32", "load_max_over_mean", 1.99, 2, "twice what one of 32"),
        ("list(state,county)", "zipcodes", "32", "fan_out_mean.by_state", 20, 0, "20 after"),
        ("list(state,county)", "zipcodes", "32", "routed_fan_out_mean.by_state", 32, 0, "all 32 if the router"),
        ("range(zip_code)", "zipcodes", "32", "fan_out_mean.by_state", 1.6, 1, "on 1.6 partitions"),
        ("directory(tailnum)", "flights", "8", "moved_share.add_one", 0.111, 3, "moves 11.1 % of the flights"),
        ("directory(tailnum)", "flights", "8", "load_max_over_mean_after.add_one", 1.004, 3, "1.004 times the mean"),
        ("directory(tailnum)", "flights", "8", "directory_entries", 4043, 0, "4,043 entries"),
        ("directory(tailnum)", "flights", "8", "directory_cache_miss_share", 0.66, 2, "66 % of its reads"),
        ("directory(tenant)", "hot_tenant", "8", "load_max_over_mean", 2.4, 1, "instead of 2.4"),
        ("directory(tenant)", "hot_tenant", "8", "load_max_over_mean_after.add_one", 2.7, 1, "2.7 times the mean"),
        ("ring(key,virtual_nodes=1)", "ascending", "24", "effective_donors", 1.6, 1, "1.6 nodes that share the work"),
        ("ring(key,virtual_nodes=32)", "ascending", "24", "effective_donors", 7.9, 1, "7.9 with 32"),
        ("ring(key,virtual_nodes=512)", "ascending", "24", "effective_donors", 12.4, 1, "12.4 with 512"),
        ("ring(key,virtual_nodes=1)", "ascending", "24", "copysets", 24, 0, "24 sets become 512"),
        ("ring(key,virtual_nodes=512)", "ascending", "24", "copysets", 512, 0, "24 sets become 512"),
        ("ring(key,virtual_nodes=1)", "ascending", "24", "data_loss_chance", 0.012, 3, "from 1.2 % to 25 %"),
        ("ring(key,virtual_nodes=512)", "ascending", "24", "data_loss_chance", 0.25, 2, "from 1.2 % to 25 %"),
        ("rendezvous", "ascending", "4", "share_over_weight_max", 1.0, 9, "weighted shares exactly"),
        ("hash(l_partkey)", "tpch", "8", "cross_join_share.orders", 0.88, 2, "88 % of the items"),
        ("hash(l_partkey)", "tpch", "8", "repartition_bytes.orders", 7_848_954, 0, "7.5 MiB of 60,175 items"),
        ("hash(l_partkey)", "tpch", "8", "broadcast_bytes.orders", 11_854_864, 0, "11.3 MiB"),
        ("hash(l_partkey)", "tpch", "8", "denormalized_bytes.orders", 6_313_109, 0, "adds 6.0 MiB once"),
        ("hash(l_partkey)", "tpch", "8", "update_rows_mean.orders", 4.0, 1, "touches 4.0 rows in 3.1 partitions"),
        ("hash(l_partkey)", "tpch", "8", "update_partitions_mean.orders", 3.1, 1, "4.0 rows in 3.1 partitions"),
        ("hash(dest)", "flights", "8", "broadcast_bytes.airlines", 2387, 0, "2.3 KiB sent once"),
        ("hash(dest)", "flights", "8", "repartition_bytes.airlines", 40_254_411, 0, "38.4 MiB with each join"),
        ("hash(dest)", "flights", "8", "broadcast_bytes.planes", 1_849_680, 0, "1.8 MiB once against 31.7 MiB"),
        ("hash(dest)", "flights", "8", "repartition_bytes.planes", 33_249_720, 0, "1.8 MiB once against 31.7 MiB"),
        ("hash(dest)", "flights", "8", "denormalized_bytes.airlines", 6_372_015, 0, "add 6.1 MiB to the flights"),
        ("hash(dest)", "flights", "8", "cross_join_share.planes", 0.88, 2, "88 % of the references"),
        ("hash(key)", "uniform(rows=100000, keys=10000", "8", "load_max_over_mean", 1.05, 2, "8 partitions with 1.05"),
        ("hash(tenant)", "hot_tenant", "8", "load_max_over_mean", 3.05, 2, "have 3.05 times the mean"),
        ("hash(tenant)", "hot_tenant", "64", "load_max_over_mean", 19.9, 1, "64 have 19.9 times"),
        ("hash(tenant)", "hot_tenant", "8", "salted_load_max_over_mean", 1.05, 2, "mean instead of 3.05"),
        ("hash(tenant)", "hot_tenant", "8", "salted_reads_factor", 3.2, 1, "asks 3.2 places"),
        ("hash(tenant)", "hot_tenant", "64", "salted_load_max_over_mean", 3.25, 2, "still holds 3.25 times"),
        ("hash(tailnum)", "flights", "8", "load_max_over_mean", 1.10, 2, "1.10 times the mean into the fullest"),
        ("hash(tailnum)", "flights", "64", "load_max_over_mean", 1.56, 2, "1.56 times into that of 64"),
        ("hash(tailnum)", "flights", "256", "load_max_over_mean", 3.34, 2, "3.34 times into that of 256"),
        ("hash(key)", "zipf", "8", "load_max_over_mean", 2.5, 1, "spread worse: 2.5 times the mean"),
        ("hash(key)", "zipf", "64", "load_max_over_mean", 16.9, 1, "16.9 times on 64"),
        ("list(dest)", "flights", "8", "load_max_over_mean", 1.001, 3, "even to within 0.2 %"),
        ("list(carrier)", "flights", "8", "load_max_over_mean", 1.39, 2, "1.39 times what a partition"),
        ("range(time_hour)", "flights", "8", "fan_out_mean.day", 1.02, 2, "1.02 of 8 ranges"),
        ("hash(time_hour)", "flights", "8", "fan_out_mean.day", 7.4, 1, "over 7.4 partitions"),
        ("range(time_hour)", "flights", "8", "fan_out_mean.plane", 6.6, 1, "in 6.6 of the 8 ranges"),
        ("ring(virtual_nodes=1)", "ascending(rows=20000", "10", "load_max_over_mean", 3.3, 1, "nodes with 3.3 times"),
        ("ring(virtual_nodes=16)", "ascending(rows=20000", "10", "load_max_over_mean", 1.48, 2, "16 points leave 1.48"),
        ("ring(virtual_nodes=1024)", "ascending(rows=20000", "10", "load_max_over_mean", 1.06, 2, "points 1.06"),
        ("maglev", "ascending(rows=20000", "10", "stray_moves.add_one", 49, 0, "49 of 20,000 keys"),
        ("maglev", "ascending(rows=20000", "10", "stray_moves.remove_one", 45, 0, "45 when"),
        ("maglev", "ascending(rows=20000", "10", "moved_over_optimum.add_one", 1.03, 2, "moves 1.03 times"),
        ("modulo", "flights", "100", "moved_over_optimum.add_one", 99, 0, "moves 99 times what must"),
        ("jump", "flights", "100", "memory_bytes", 8, 0, "holds 8 bytes and no list"),
        ("ring(key,virtual_nodes=1)", "ascending", "24", "data_loss_chance", 0.012, 3, "1.2 % where each has one"),
        ("ring(key,virtual_nodes=32)", "ascending", "24", "data_loss_chance", 0.18, 2, "18 % with 32 points"),
        ("standard", "flights", "0.5", "bits_per_key", 1.5, 1, "spends 14 bits on it or 1.5"),
        ("standard", "flights", "0.001", "bits_per_key", 14, 0, "spends 14 bits on it or 1.5"),
        ("standard", "flights", "0.5", "false_positive_rate", 0.5, 2, "says yes to half of the keys"),
        ("standard", "flights", "0.001", "probes", 10, 0, "0.1 % takes 10"),
        ("standard", "ascending(rows=10000", "10000", "memory_bytes", 11_984, 0, "takes 12 KiB"),
        ("standard", "ascending(rows=10000", "4000000", "memory_bytes", 4_792_536, 0, "million 4.6 MiB"),
    ],
)  # fmt: skip
def test_a_reading_tells_the_number_that_was_measured(
    measured: tuple[Store, RunOutcome],
    contender: str,
    dataset: str,
    setting: str,
    metric: str,
    value: float,
    places: int,
    words: str,
) -> None:
    store, outcome = measured
    assert any(words in " ".join(claim["reading"].split()) for claim in CLAIMS), words
    found = store.query(
        "SELECT DISTINCT round(value, ?) AS value FROM result WHERE run_id = ? AND contender = ? AND metric = ? "
        "AND starts_with(dataset, ?) AND coalesce(parameters->>'partitions', parameters->>'nodes', "
        "parameters->>'key_count', parameters->>'false_positive_rate') = ?",
        [places, outcome.run_id, contender, metric, dataset, setting],
    )
    assert found.column("value").to_pylist() == [pytest.approx(value, abs=1e-12)]


SMALL: dict[str, Any] = {
    "name": "one claim",
    "claim": [
        {
            "topic": "Partitioning",
            "sentence": "ID % n spreads evenly.",
            "experiments": [
                {"kind": "partitioning", "dataset": pa.table({"id": pa.array(range(64))}), "partitions": 8,
                 "strategies": ["modulo(id)"]},
                {"kind": "partitioning", "dataset": pa.table({"id": pa.array(range(0, 128, 2))}), "partitions": 8,
                 "strategies": ["modulo(id)"]},
            ],
            "evidence": [{"strategy": "modulo(id)", "metric": "load_max_over_mean", "equals": 1}],
            "counterexample": [
                {"experiment": 1, "strategy": "modulo(id)", "metric": "load_max_over_mean", "equals": 2}
            ],
            "condition": "the IDs are dense",
            "expected_verdict": "holds if",
        }
    ],
}  # fmt: skip


def run_small(**changes: Any) -> tuple[str, RunOutcome]:
    """The verdict on the small claim with some of its keys changed."""
    content = {**SMALL, "claim": [{**SMALL["claim"][0], **copy.copy(changes)}]}
    with Store(None) as store:
        outcome = run_suite(suite_from_dict(content), store, timing=TimingSettings.off())
        return verdicts(store, outcome.run_id)["ID % n spreads evenly."], outcome


def test_dense_ids_hold_and_even_ids_are_the_counterexample() -> None:
    verdict, outcome = run_small()
    assert (verdict, outcome.exit_code) == ("holds if", 0)


def test_evidence_that_is_not_met_refutes_and_is_reported() -> None:
    verdict, outcome = run_small(evidence=[{"strategy": "modulo(id)", "metric": "load_max_over_mean", "above": 1.001}])
    assert (verdict, outcome.exit_code) == ("refuted", 1)
    assert outcome.unmet == ('the claim "ID % n spreads evenly.": the verdict is refuted; expected holds if',)


def test_a_counterexample_that_is_none_leaves_the_claim_standing() -> None:
    never = [{"experiment": 1, "strategy": "modulo(id)", "metric": "load_max_over_mean", "above": 2}]
    verdict, outcome = run_small(counterexample=never)
    assert (verdict, outcome.exit_code) == ("holds", 1)


def test_a_wrong_expected_verdict_is_reported_whatever_the_numbers() -> None:
    verdict, outcome = run_small(expected_verdict="refuted")
    assert (verdict, outcome.exit_code) == ("holds if", 1)


@pytest.mark.parametrize(
    ("policy", "dataset", "settings", "metric", "value", "places", "words"),
    [
        ("lru", "cache2k_web12", {"capacity": "1%", "order": "stored"}, "miss_ratio", 0.603, 3, "60.3 % of them"),
        ("lru", "cache2k_web12", {"capacity": "1%", "order": "shuffled"}, "miss_ratio", 0.853, 3, "85.3 % in the"),
        ("fifo", "cache2k_web12", {"capacity": "1%"}, "miss_ratio", 0.624, 3, "from 62.4 % to 35.5 %"),
        ("fifo", "cache2k_web12", {"capacity": "10%"}, "miss_ratio", 0.355, 3, "from 62.4 % to 35.5 %"),
        ("lru", "zipf_trace", {"write": "write_back"}, "modelled_write_latency_mean", 0.8, 1, "waits 0.8 on average"),
        ("lru", "zipf_trace", {"write": "write_through"}, "modelled_write_latency_mean", 8.1, 1, "instead of 8.1"),
        ("lru", "zipf_trace", {"write": LIMITED}, "modelled_write_latency_mean", 7.0, 1, "then waits 7.0"),
        ("lru", "zipf_trace", {"write": LIMITED}, "lost_writes", 11, 0, "11 writes on average"),
        ("lru", "shifting_trace", {"capacity": "10%"}, "miss_ratio", 0.416, 3, "LRU misses 41.6 %"),
        ("sieve", "shifting_trace", {"capacity": "10%"}, "miss_ratio", 0.525, 3, "SIEVE 52.5 %, LFU 69.3 %"),
        ("lfu", "shifting_trace", {"capacity": "10%"}, "miss_ratio", 0.693, 3, "SIEVE 52.5 %, LFU 69.3 %"),
        ("clock", "cache2k_web12", {"capacity": "10%"}, "miss_ratio", 0.308, 3, "30.8 % against 31.5 %"),
        ("sieve", "cache2k_web12", {"capacity": "10%"}, "miss_ratio", 0.283, 3, "by SIEVE at 28.3 %"),
        ("lfu_da", "cache2k_web12", {"capacity": "1%"}, "miss_ratio", 0.567, 3, "56.7 % against 60.3 %"),
        ("zone_map", "uniform", {"order": "sorted"}, "rows_skipped_share", 0.959, 3, "leaves 95.9 % of the rows"),
        ("zone_map", "uniform", {"order": "shuffled"}, "rows_skipped_share", 0.001, 3, "shuffled, 0.1 %"),
        ("bloom_blocks", "uniform", {"order": "sorted"}, "rows_skipped_share", 0.951, 3, "95.1 % and 94.8 %"),
        ("bloom_blocks", "uniform", {"order": "shuffled"}, "rows_skipped_share", 0.948, 3, "95.1 % and 94.8 %"),
        ("zone_map", "flights", {"column": "time_hour"}, "rows_skipped_share", 0.955, 3, "a zone map leaves 95.5 %"),
        ("bloom_blocks", "flights", {"column": "tailnum"}, "rows_skipped_share", 0.57, 2, "and filters 57 %"),
    ],
)  # fmt: skip
def test_a_reading_about_caches_and_indexes_tells_the_number_that_was_measured(
    measured: tuple[Store, RunOutcome],
    policy: str,
    dataset: str,
    settings: dict[str, str],
    metric: str,
    value: float,
    places: int,
    words: str,
) -> None:
    store, outcome = measured
    assert any(words in " ".join(claim["reading"].split()) for claim in CLAIMS), words
    where = " AND ".join(f"parameters->>'{name}' = ?" for name in settings)
    found = store.query(
        "SELECT DISTINCT round(value, ?) AS value FROM result WHERE run_id = ? AND contender = ? AND metric = ? "
        f"AND starts_with(dataset, ?) AND coalesce((parameters->>'foreign_writes')::DOUBLE, 0) = 0 AND {where}",
        [places, outcome.run_id, policy, metric, dataset, *settings.values()],
    )
    assert found.column("value").to_pylist() == [pytest.approx(value, abs=1e-12)]
