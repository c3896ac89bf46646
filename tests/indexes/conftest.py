"""The tests of indexes import their oracle by name."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
