"""A table in an object store, scanned by the workers of a Dask cluster row group by row group."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq
import pytest

pytest.importorskip("distributed")
pytest.importorskip("moto.server")
sys.path.insert(0, str(Path(__file__).parents[1] / "datasets"))

from dask_on_loopback import LoopbackCluster, dask_cluster
from stores_on_loopback import s3_server

import assay

SECRET = "very-s3cr3t"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, LoopbackCluster]]:
    """The URL of a table in a bucket, and a cluster whose workers have credentials in their environment."""
    with pytest.MonkeyPatch.context() as patch, s3_server() as options:
        for name, value in (
            ("AWS_ACCESS_KEY_ID", "somebody"),
            ("AWS_SECRET_ACCESS_KEY", SECRET),
            ("AWS_EC2_METADATA_DISABLED", "true"),
            ("NO_PROXY", "127.0.0.1"),
        ):
            patch.setenv(name, value)
        bucket, _ = pafs.FileSystem.from_uri(f"s3://trips{options}&allow_bucket_creation=true")
        bucket.create_dir("trips")
        random = np.random.default_rng(1)
        for number in range(2):
            sink = io.BytesIO()
            pq.write_table(pa.table({"key": random.integers(0, 900, 10_000)}), sink, row_group_size=1000)
            with bucket.open_output_stream(f"trips/t/{number}.parquet", compression=None) as target:
                target.write(sink.getvalue())
        with dask_cluster(tmp_path_factory.mktemp("dask"), workers=2) as running:
            yield f"s3://trips/t{options}", running


@pytest.mark.slow
def test_a_comparison_over_an_object_store_runs_on_the_workers(
    place: tuple[str, LoopbackCluster], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, cluster = place
    monkeypatch.setattr("assay.harness.runner.SPAN_ROWS", 2000)
    settings: dict[str, Any] = {"strategies": ["hash(key)", "range(key)", "round_robin"], "timing": False}
    path = tmp_path / "r.duckdb"
    found = assay.compare("partitioning", url, store=path, executor=f"dask:{cluster.address}", **settings)
    assert found.to_arrow().equals(assay.compare("partitioning", url, **settings).to_arrow())
    blocks = found.store.query("SELECT stage, span, pid FROM block").to_pylist()
    assert {row["pid"] for row in blocks} <= set(cluster.pids) and len(blocks) >= 4
    page = found.report(tmp_path / "page.html").read_text()
    kept = path.read_bytes()
    assert SECRET not in page and SECRET.encode() not in kept  # nor in what was sent: workers have their own
    assert SECRET not in json.dumps(found.to_arrow().to_pylist(), default=str)
    assert SECRET not in cluster.log.read_text()
