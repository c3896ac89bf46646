"""A progress bar that keeps what it is told until the results are out."""

from __future__ import annotations

from assay.harness import RichProgress

__all__ = ["HeldProgress"]


class HeldProgress(RichProgress):
    """A bar on standard error, drawn only on a terminal; messages are kept in `messages`, not printed.

    A comparison tells its failures beside its results, or as the error that stopped it: not twice.
    """

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[str] = []

    def message(self, text: str) -> None:
        """Keeps the message."""
        self.messages.append(text)
