"""What runs inside a timing process: build the kernels, then do as the parent says, until it says end.

The parent's side is `timing_process.py`. Over the standard input come two pickles, the module path and the
`TimingTask`, then commands; over the standard output go the answers. Commands and answers are lines of JSON
that name nothing of the program, so that two versions of it understand each other:

    parent                                                 child
    (path, task)                                           {"protocol": 1, "kernels": [[cell, metric, operations,
                                                            latency, throughput, bytes], ...]}
                                                           or {"not_built": why}
    {"calibrate": target_ns, "iterations": null or [...]}  {"iterations": [...], "sample_ns": [...], "failures": {...}}
    {"round": [kernel, ...], "samples": m, "singles": s}   {"ns": [[...], ...], "cpu_ns": [[...], ...],
                                                            "latencies": {kernel: {bucket: count}}, "failures": {...}}
    {"end": true}                                          (it ends with status 0)

Nothing else is written to the output: it is moved away before the kernels are built, so that a kernel that
prints does no harm. When the input ends without an "end", the parent has died, and the child ends itself.
"""

from __future__ import annotations

import json
import os
import pickle
import queue
import signal
import sys
import threading
from typing import Any

from assay.harness.kernels import Kernels, described
from assay.harness.timing_process import PROTOCOL, TimingTask

__all__ = ["main"]


def main() -> None:
    """The entry point of a timing process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    output = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    def tell(answer: dict[str, Any]) -> None:
        output.write(json.dumps(answer) + "\n")
        output.flush()

    commands: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    try:
        task: TimingTask = pickle.load(sys.stdin.buffer)
        threading.Thread(target=_listen, args=(commands,), daemon=True).start()
        kernels = Kernels(task.timers())
    except Exception as error:
        tell({"not_built": described(error)})
        return
    facts = [
        [fact.cell_id, fact.metric, fact.operations, fact.latency, fact.throughput, fact.bytes]
        for fact in kernels.facts
    ]
    tell({"protocol": PROTOCOL, "kernels": facts})
    while "end" not in (command := commands.get()):
        if "calibrate" in command:
            tell(vars(kernels.calibrate(command["calibrate"], command["iterations"])))
        else:
            tell(vars(kernels.round(command["round"], command["samples"], command["singles"])))


def _listen(commands: queue.SimpleQueue[dict[str, Any]]) -> None:
    """Passes commands on as they come; an input that ends before "end" means that the parent is gone."""
    # Not through sys.stdin: its lock, held by this thread, would abort the interpreter's shutdown. Nothing of a
    # command can stand in its buffer, as the parent sends the first one only when the kernels are built.
    line = bytearray()
    while chunk := os.read(0, 65_536):
        line += chunk
        while (end := line.find(b"\n")) >= 0:
            command = json.loads(line[:end])
            del line[: end + 1]
            commands.put(command)
            if "end" in command:
                return
    os._exit(1)
