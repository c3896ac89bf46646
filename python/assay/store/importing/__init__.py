"""Runs of other harnesses as runs of the store: pyperf's and pytest-benchmark's JSON.

A file becomes one run, whose id is made from the file's content, so that importing it again changes
nothing. `imported.py` says what is taken from a file, one module per format reads it, and `build.py`
makes the rows, with the harness's own statistics.
"""

from assay.store.importing.files import Imported, import_files

__all__ = ["Imported", "import_files"]
