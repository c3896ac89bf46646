"""Records what libCacheSim's package answers for every policy, trace and capacity, for the tests that run without it.

    ASSAY_TRACES=FOLDER python tests/caches/record_answers.py [TRACE ...]

writes answers.json beside it: trace -> requests, distinct, fingerprint, and policy -> capacity -> [misses, missed
bytes]. Traces that are not on the machine keep what was recorded before. A capacity at which the package ended the
process is `null`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

import libcachesim_peer as peer
from cache_traces import NAMES, trace

FILE = Path(__file__).parent / "answers.json"


def lines_of(answers: dict[str, object]) -> str:
    """JSON with a line for each policy of each trace."""
    out = json.dumps(answers, indent=3)
    # Capacities and counts are short: folded into the policy's line.
    import re

    return re.sub(r"\{\s*(\"\d+\":[^{}]*?)\s*\}", lambda found: "{" + re.sub(r"\s+", " ", found[1]) + "}", out)


def record(name: str) -> dict[str, object] | None:
    """The answers on one trace."""
    made = trace(name)
    if made is None:
        return None
    counts: dict[str, object] = {}
    for policy in peer.NAMES:
        counts[policy] = peer.answers(policy, name)
        print(name, policy, counts[policy], flush=True)
    return {
        "requests": len(made.keys),
        "distinct": len(np.unique(made.keys)),
        "fingerprint": made.fingerprint,
        "recorded_with": peer.peer_version(),
        "answers": counts,
    }


def main() -> None:
    """Records the traces named, or all."""
    known = json.loads(FILE.read_text()) if FILE.exists() else {}
    for name in sys.argv[1:] or NAMES:
        made = record(name)
        if made is None:
            print(f"{name} is not on this machine", file=sys.stderr)
            continue
        known[name] = made
        FILE.write_text(lines_of({name: known[name] for name in NAMES if name in known}) + "\n")


if __name__ == "__main__":
    main()
