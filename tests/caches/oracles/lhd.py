"""LHD, after Beckmann, Chen and Cidon 2018, with the constants and the single precision of its authors' simulator."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

F = np.float32
AGES, CLASSES, RECENT = 20_000, 16, 8
Counts = npt.NDArray[np.float32]


@dataclass
class Tag:
    """An object that is there."""

    key: int
    size: int
    time: int
    last: int = 0
    before: int = AGES
    explores: bool = False


class Lhd:
    """The least hit density of some drawn objects goes, and of unpromising ones that came in last."""

    def __init__(self, capacity: int, samples: int = 32, interval: int = 1 << 20, seed: int = 0) -> None:
        self.capacity, self.samples, self.interval, self.state = capacity, samples, interval, seed
        self.tags: list[Tag] = []
        self.hits, self.evictions = np.zeros((CLASSES, AGES), F), np.zeros((CLASSES, AGES), F)
        begin = np.arange(CLASSES, 2 * CLASSES, dtype=float)[:, None] + 1
        self.densities: Counts = (begin / np.arange(1, AGES + 1)).astype(F)
        self.recent: list[int | None] = [None] * RECENT
        self.recent_count = self.time = self.rounds = 0
        self.shift, self.victim_density = 10, F(0)
        self.objects, self.mass = F(0), F(0)
        self.budget = int(F(capacity) * F(0.01))

    @property
    def used(self) -> int:
        """Weight of what is there."""
        return sum(tag.size for tag in self.tags)

    def lot(self) -> int:
        """Knuth's MMIX."""
        self.state = (6364136223846793005 * self.state + 1442695040888963407) % (1 << 64)
        return self.state

    def age(self, tag: Tag) -> int:
        """Coarse, and at most the last."""
        return min((self.time - tag.time) >> self.shift, AGES - 1)

    def class_of(self, tag: Tag) -> int:
        """About the logarithm of what is missing to the greatest age."""
        age = tag.last + tag.before
        shifts = 0
        while 0 < age << shifts < AGES and shifts < CLASSES - 1:
            shifts += 1
        return shifts if age else CLASSES - 1

    def density(self, tag: Tag) -> np.float32:
        """Hits per byte and request to come."""
        age = self.age(tag)
        if age == AGES - 1:
            return np.finfo(F).min
        with np.errstate(divide="ignore", invalid="ignore"):
            found = self.densities[self.class_of(tag), age] / F(tag.size)
        return F(float(found) + 1.0) if tag.explores else found

    def pay(self, size: int) -> None:
        """Into the explorers' budget."""
        self.budget = int(F(self.budget) + F(size))

    def victim(self) -> Tag:
        """The one that goes."""
        draws = self.samples if self.rounds > 50 else min(8, self.samples)
        drawn = [self.tags[self.lot() % len(self.tags)] for _ in range(draws)]
        late = [tag for key in self.recent for tag in self.tags if tag.key == key]
        dense = {id(tag): self.density(tag) for tag in (*drawn, *late)}
        finite = [tag for tag in (*drawn, *late) if dense[id(tag)] < np.finfo(F).max]  # others have no size
        if not finite:
            return self.tags[0]
        victim = min(finite, key=lambda tag: dense[id(tag)])
        self.victim_density = F(0.9) * self.victim_density + (F(1) - F(0.9)) * self.density(victim)
        return victim

    def renew(self, tag: Tag, new: bool) -> None:
        """What every request ends with."""
        tag.time = self.time
        explores = self.lot() % 32 == 0
        tag.explores = explores and self.budget > 0 and self.rounds < 50
        if tag.explores:
            self.pay(-tag.size)
        if new and not explores and self.density(tag) < self.victim_density:
            self.recent[self.recent_count % RECENT] = tag.key
            self.recent_count += 1
        self.time += 1
        if self.time % self.interval == 0:
            self.learn()
            self.rounds += 1

    def learn(self) -> None:
        """Fades counts, and makes densities of them."""
        self.hits *= F(0.9)
        self.evictions *= F(0.9)
        self.objects = self.objects * F(0.9) + F(len(self.tags))
        self.mass = self.mass * F(0.9) + F(1)
        if self.rounds in (5, 25):
            self.adapt()
        for number in range(CLASSES):
            hits, events = self.hits[number][::-1], (self.hits[number] + self.evictions[number])[::-1]
            hits_to_come, events_to_come = np.cumsum(hits, dtype=F), np.cumsum(events, dtype=F)
            lifetime = np.cumsum(events_to_come, dtype=F)
            known = events_to_come.astype(float) > 1e-5
            made = np.divide(hits_to_come, lifetime, out=np.zeros(AGES, F), where=known)[::-1]
            self.densities[number, : AGES - 1] = made[: AGES - 1]

    def adapt(self) -> None:
        """Ages are to reach far enough for so many objects."""
        best = F(float(self.objects / self.mass) / float(F(0.01) * F(AGES)))
        shift = 1
        while F(1 << shift) < best:
            shift += 1
        change, self.shift = shift - self.shift, shift
        self.objects, self.mass = self.objects * F(8), self.mass * F(8)
        for counts in (*self.hits, *self.evictions):
            old = counts.copy()
            if change > 0:
                kept = AGES >> change
                for age in range(kept):
                    counts[age] = np.cumsum(old[age << change : (age + 1) << change], dtype=F)[-1]
                counts[kept : AGES - 1] = 0
            elif change < 0:
                for age in range(AGES >> -change, AGES - 1):
                    counts[AGES - 1] += old[age]
                counts[: AGES - 1] = old[np.arange(AGES - 1) >> -change] / F(1 << -change)

    def request(self, key: int, size: int = 1) -> bool:
        """Whether the object was there."""
        for tag in self.tags:
            if tag.key == key:
                age = self.age(tag)
                self.hits[self.class_of(tag), age] += F(1)
                if tag.explores:
                    self.pay(tag.size)
                tag.before, tag.last = tag.last, age
                self.renew(tag, new=False)
                return True
        if size > self.capacity:
            return False
        while self.used + size > self.capacity:
            tag = self.victim()
            self.evictions[self.class_of(tag), self.age(tag)] += F(1)
            if tag.explores:
                self.pay(tag.size)
            self.tags[self.tags.index(tag)] = self.tags[-1]
            self.tags.pop()
        self.tags.append(Tag(key, size, self.time))
        self.renew(self.tags[-1], new=True)
        return False
