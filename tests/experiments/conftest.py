"""What the tests of experiments share is found by name, as in the tests of the harness."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
