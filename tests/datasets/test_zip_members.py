"""CSV inside zip archives: every way to store a member, and readers that are let go half-way."""

from __future__ import annotations

import subprocess
import sys
import zipfile

import pytest

from assay.datasets import open_dataset
from assay.errors import ReadError

ROWS = 50_000
TEXT = "id,name\n" + "".join(f"{row},name {row}\n" for row in range(ROWS))


def archive(path, compression):
    with zipfile.ZipFile(path, "w", compression) as made:
        made.writestr("folder/table.csv", TEXT)
    return path


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_stored_and_a_deflated_member_read_alike(tmp_path, compression):
    dataset = open_dataset(archive(tmp_path / "t.zip", compression))
    table = dataset.table()
    assert table.num_rows == ROWS
    assert table.column("name")[ROWS - 1].as_py() == f"name {ROWS - 1}"


def test_a_member_compressed_otherwise_is_refused_by_name(tmp_path):
    with pytest.raises(ReadError, match="lzma"):
        open_dataset(archive(tmp_path / "t.zip", zipfile.ZIP_LZMA))


def test_a_damaged_member_is_an_error_not_fewer_rows(tmp_path):
    path = archive(tmp_path / "t.zip", zipfile.ZIP_DEFLATED)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x10
    path.write_bytes(content)
    with pytest.raises((ReadError, OSError)):
        open_dataset(path).table()


def test_a_process_that_fails_half_way_through_a_member_ends_in_order(tmp_path):
    path = archive(tmp_path / "t.zip", zipfile.ZIP_DEFLATED)
    script = (
        "from assay.datasets import open_dataset\n"
        f"for batch in open_dataset({str(path)!r}).batches():\n"
        "    raise RuntimeError('half-way')\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1, done.stderr
    assert done.stderr.strip().endswith("RuntimeError: half-way")
