"""What stands in front of a policy: who comes in at all, and how long an object is true."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from assay.caches.policies import PolicySpec, guarded, parse_admission
from assay.errors import AssayError
from assay.experiments.caching.settings import NO_ADMISSION, CachingSettings
from assay.experiments.planning import Mistakes

__all__ = ["Guard", "guards_of"]


@dataclass(frozen=True)
class Guard:
    """An admission and a time to live; None where there is none."""

    admission: str | None = None  # as it is spelled
    ttl: int | str | None = None  # a text is the column in which requests say so

    def of(self, spec: PolicySpec) -> Mapping[str, Any]:
        """The policy's parameters with what stands in front of it, as the core takes them."""
        return guarded(spec.parameters, self.admission, self.ttl)

    @property
    def alone(self) -> Guard:
        """The same without admission: what FIFO has, which others are measured by."""
        return Guard(None, self.ttl)

    @property
    def draws(self) -> bool:
        """Whether it draws lots, so that another seed gives other numbers."""
        return self.admission is not None and "seed" in parse_admission(self.admission).contender.abilities

    @property
    def parameters(self) -> dict[str, Any]:
        """What makes the cell."""
        named = {"admission": self.admission, "ttl": self.ttl}
        return {name: value for name, value in named.items() if value is not None}


def guards_of(settings: CachingSettings, mistakes: Mistakes) -> list[Guard]:
    """The grid of admissions and times to live."""
    admissions: list[str | None] = []
    for place, text in enumerate(settings.admissions):
        try:
            admissions.append(None if text == NO_ADMISSION else parse_admission(text).text)
        except AssayError as error:
            mistakes.append((f"admission[{place}]" if len(settings.admissions) > 1 else "admission", error))
    return [Guard(admission, ttl) for admission in admissions for ttl in settings.ttls]
