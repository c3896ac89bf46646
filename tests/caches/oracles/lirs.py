"""LIRS, after Jiang and Zhang 2002, with what libCacheSim makes of it."""

from __future__ import annotations

from oracles.pile import Pile


class Lirs:
    """Stack S orders objects by recency, ghosts too; Q holds the resident ones of high inter-reference recency (HIR).

    `paper=False` is libCacheSim's: a hit on an object that is in Q alone demotes an object of low recency (LIR) for
    it, although it stays HIR itself; with a Q of one object that demotion drives the very object out of Q, which
    stays readable through S all the same, and has gone when it leaves S.
    """

    def __init__(self, capacity: int, share: float = 0.01, *, paper: bool = False) -> None:
        self.capacity, self.paper = capacity, paper
        self.hir_limit = max(1, int(share * capacity))
        self.lir_limit = capacity - self.hir_limit
        self.stack, self.queue, self.ghosts = Pile(), Pile(), Pile()
        self.lirs: set[int] = set()
        self.lir_weight = 0
        self.unpruned = False  # something was taken out since the last request

    @property
    def used(self) -> int:
        """Weight of what is there."""
        return self.lir_weight + self.queue.weight

    def request(self, key: int, size: int = 1) -> bool:
        """Whether the object was there."""
        hit = self.hit(key)
        if not hit:
            self.put(key, size)
        return hit

    def there(self) -> set[int]:
        """All objects, those included that answer through the stack alone."""
        return (set(self.stack.sizes) - set(self.ghosts.sizes)) | set(self.queue.sizes)

    def remove(self, key: int) -> None:
        """Takes an object out."""
        if key in self.queue:
            self.queue.take(key)
        if key in self.stack:
            size = self.stack.take(key)
            if key in self.lirs:
                self.lirs.remove(key)
                self.lir_weight -= size
            self.unpruned = True

    def forget(self) -> None:
        """Ghosts are forgotten, oldest first, while the stack weighs more than two caches."""
        while self.stack.weight > 2 * self.capacity and len(self.ghosts):
            self.stack.take(self.ghosts.pop()[0])

    def hit(self, key: int) -> bool:
        """Whether the object is there, and what the request does to it."""
        if self.unpruned:
            self.unpruned = False
            self.prune()
        if key not in self.there():
            return False
        self.use(key)
        self.forget()
        return True

    def use(self, key: int) -> None:
        """What a request does to an object that is there."""
        if key in self.stack:
            self.stack.renew(key)
            if key in self.lirs:
                self.prune()
                return
            if key in self.queue:
                self.queue.take(key)
            self.demote_for(self.stack.sizes[key])
            self.promote(key)
            if self.paper:
                self.prune()
            return
        self.queue.renew(key)
        size = self.queue.sizes[key]
        if not self.paper:
            self.demote_for(size)
        # Nothing has a low recency where the cache is Q alone: then there is no S.
        if self.lir_limit:
            self.stack.push(key, size)

    def put(self, key: int, size: int) -> bool:
        """What a miss does; false where the object stays outside."""
        if key in self.stack:
            self.stack.renew(key)
        inserted = size <= self.capacity and self.insert(key, size)
        self.forget()
        return inserted

    def insert(self, key: int, size: int) -> bool:
        """The same, of an object that is not larger than the cache."""
        if key in self.stack:
            self.demote_for(self.stack.sizes[key])
            self.ghosts.take(key)
            while self.lir_weight and self.used + size > self.capacity:
                while self.queue.weight >= self.hir_limit:
                    self.evict_hir()
                self.demote()
            self.promote(key)
            return True
        if size > self.hir_limit or (self.lir_limit and size > self.lir_limit):
            return False
        if self.lir_limit and self.lir_weight + size <= self.lir_limit:
            self.stack.push(key, size)
            self.promote(key)
            return True
        while self.queue.weight + size > self.hir_limit:
            self.evict_hir()
        if self.lir_limit:
            self.stack.push(key, size)
        self.queue.push(key, size)
        return True

    def promote(self, key: int) -> None:
        """HIR to LIR."""
        self.lirs.add(key)
        self.lir_weight += self.stack.sizes[key]

    def demote_for(self, size: int) -> None:
        """LIR objects go to Q, from the bottom of the stack, until there is room for one more."""
        while self.lir_weight and self.lir_weight + size > self.lir_limit:
            self.demote()

    def demote(self) -> None:
        """The bottom of the stack to Q; out altogether if it is larger than Q."""
        self.prune()
        key, size = self.stack.pop()
        self.lirs.remove(key)
        self.lir_weight -= size
        if size <= self.hir_limit:
            while self.queue.weight + size > self.hir_limit:
                self.evict_hir()
            self.queue.push(key, size)
        self.prune()

    def prune(self) -> None:
        """No object but a LIR one lies at the bottom of the stack, unless it is the only one."""
        while len(self.stack) > 1 and self.stack.oldest() not in self.lirs:
            key, _ = self.stack.pop()
            if key in self.ghosts:
                self.ghosts.take(key)

    def evict_hir(self) -> None:
        """The oldest of Q leaves; if it is in the stack it stays there as a ghost."""
        key, size = self.queue.pop()
        if key in self.stack:
            self.ghosts.push(key, size)
