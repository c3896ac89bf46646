"""Where a report may be written, and what a column's name may do to its text."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

import assay
from assay.errors import StoreError
from assay.report import format_run


def test_a_device_or_a_folder_is_never_replaced_by_a_report(tmp_path):
    found = assay.compare(
        "partitioning", pa.table({"k": [1, 2, 3]}), strategies=["hash(k)"], partitions=2, timing=False
    )
    folder = tmp_path / "report.html"
    folder.mkdir()
    for target in (folder, Path("/dev/null")):
        with pytest.raises(StoreError, match="folder or a device"):
            found.report(target)
    assert folder.is_dir()
    assert Path("/dev/null").is_char_device()


def test_markdown_holds_no_escape_sequence_of_a_columns_name():
    table = pa.table({"a\x1b[31mb": ["x", "y"]})
    strategies = ['hash("a\x1b[31mb")']
    found = assay.compare("partitioning", table, strategies=strategies, partitions=2, timing=False)
    assert "\x1b" not in format_run(found.store, found.run_id, "markdown")
