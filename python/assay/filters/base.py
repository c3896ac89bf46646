"""What all filters share: probing, sizes, rates, stored forms, comparison.

`Filter` is a set that was built once; a `GrowingFilter` takes more keys and joins with its like. A kind adds `build`,
its own settings, and whatever else it can do. Cost of each verb here: one pass over the column, at native speed, with
the interpreter released; `measured_false_positive_rate` is one probe of a column.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, isfinite
from typing import TYPE_CHECKING, Any, ClassVar, Self

from assay.checks import UINT64_HIGH, integer, number
from assay.errors import ParameterError, UnsupportedTypeError
from assay.intervals import rate_interval

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Filter", "FilterRate", "GrowingFilter", "checked_count", "checked_rate"]


def checked_count(name: str, value: int | None) -> int | None:
    """`value` if it is a count that fits 64 bits; ParameterError otherwise. What 0 means, the core says."""
    return None if value is None else integer(name, value, 0, UINT64_HIGH, "an integer of 1 or more")


def checked_rate(value: float) -> float:
    """`value` if it is a number; ParameterError otherwise. Which rates a filter can keep, the kind says."""
    if isinstance(value, float) and not isfinite(value):
        return value
    return number("false_positive_rate", value, -inf, inf, "a number between 0 and 1, such as 0.01")


@dataclass(frozen=True)
class FilterRate:
    """A measured false-positive rate: yes answers among absent keys, with the exact 95 % interval (Clopper-Pearson)."""

    rate: float
    low: float
    high: float
    false_positives: int
    asked: int


class Filter:
    """A set of keys in a few bits each; made by `build` of its kind, or by `from_bytes`.

    Filters compare by their bits, can be pickled and copied, and may be probed by many threads at once.
    """

    __slots__ = ("_native",)

    _native: Any
    # The native class of a kind.
    _CORE: ClassVar[Any]

    def __init__(self) -> None:
        name = type(self).__name__
        raise TypeError(f"a filter is made by {name}.build(keys) or {name}.from_bytes(data)")

    @classmethod
    def _of(cls, native: Any) -> Self:
        made = object.__new__(cls)
        made._native = native
        return made

    @classmethod
    def from_bytes(cls, data: Any) -> Self:
        """The filter that `to_bytes` wrote, on any machine.

        Args:
            data: Any contiguous bytes-like object.

        Raises:
            DataError: The bytes are no filter of this kind, are truncated or too long, have changed, or are of a
                newer version. Nothing is allocated beyond their own length.
        """
        return cls._of(cls._CORE.from_bytes(data))

    def to_bytes(self) -> bytes:
        """The stored form: portable, versioned, with checksums.

        Little-endian throughout: magic `assayflt`, version (u16, 1), kind (u8), a zero, a parameter of the kind (u32),
        the type of the keys (8 bytes), size (u64), keys (u64), seed (u64), bytes of the payload (u64), the XXH3_64 of
        these 56 bytes (u64); from byte 64 the payload; last the XXH3_64 of the payload (u64).
        """
        data: bytes = self._native.to_bytes()
        return data

    def contains(self, keys: Any, *, threads: int | None = None) -> pa.BooleanArray:
        """Whether the filter may hold each key: false is certain, true may be wrong.

        Args:
            keys: Any Arrow column of shape (n,), chunked or not; see `assay.hash`. One value is one key in every type
                that holds it (METHODOLOGY.md, "Keys").
            threads: At most so many threads; None means all cores.

        Returns:
            A pyarrow BooleanArray of shape (n,). Null in, null out.

        Raises:
            UnsupportedTypeError: The column's type cannot be a key.
        """
        answers: pa.BooleanArray = self._native.contains(keys, threads=threads)
        return answers

    def remove(self, keys: Any) -> None:
        """Takes keys out, where the kind can; this one cannot.

        Raises:
            ParameterError: Always, but for `CountingBloomFilter` and `CuckooFilter`.
        """
        raise ParameterError(
            f"a {type(self).__name__} cannot forget keys, since others may share their bits; build it anew from the "
            "keys that stay, or choose CountingBloomFilter or CuckooFilter"
        )

    def measured_false_positive_rate(self, absent: Any, *, threads: int | None = None) -> FilterRate:
        """The share of absent keys that the filter wrongly claims to hold, with its exact 95 % interval.

        Args:
            absent: Distinct keys known not to be in the filter, shape (m,), m >= 1; nulls are left out.
            threads: At most so many threads; None means all cores.

        Raises:
            ParameterError: There is no key to ask for.
            UnsupportedTypeError: The column's type cannot be a key.

        Source:
            Clopper & Pearson 1934.
        """
        answers = self.contains(absent, threads=threads)
        asked = len(answers) - answers.null_count
        if asked == 0:
            raise ParameterError("absent holds no keys; expected at least one that is not null")
        yes = answers.true_count
        low, high = rate_interval(yes, asked)
        return FilterRate(yes / asked, low, high, yes, asked)

    def copy(self) -> Self:
        """A filter of its own with the same bits."""
        return self._of(self._native.copy())

    def __eq__(self, other: object) -> bool:
        """Whether both are of one kind and have the same bits, type of keys and number of keys."""
        if type(other) is not type(self):
            return NotImplemented
        equal: bool = self._native.equals(other._native)
        return equal

    __hash__ = None  # type: ignore[assignment]  # compared by bits, which for some kinds change

    def __contains__(self, key: object) -> bool:
        """Whether the filter may hold one Python value; None is never held. Slow: probe columns."""
        import pyarrow as pa

        try:
            column = pa.array([key])
        except (pa.ArrowException, OverflowError) as error:
            raise UnsupportedTypeError(
                f"{key!r} of type {type(key).__name__} cannot be a key; expected what pyarrow.array([key]) takes"
            ) from error
        return bool(self.contains(column, threads=1)[0].as_py())

    def __len__(self) -> int:
        """`key_count`."""
        return self.key_count

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self).from_bytes, (self.to_bytes(),))

    def __repr__(self) -> str:
        return (
            f"<{type(self).__name__} {self._shape()} memory_bytes={self.memory_bytes} key_count={self.key_count} "
            f"key_type={self.key_type!r}>"
        )

    def _shape(self) -> str:
        """The kind's own settings, for `repr`."""
        raise NotImplementedError

    @property
    def key_type(self) -> str:
        """The type of the column that the filter was built on, as pyarrow prints it (large and view types as
        their plain kind, a dictionary as its values, a timestamp without its zone)."""
        name: str = self._native.key_type
        return name

    @property
    def key_count(self) -> int:
        """The number of keys held, nulls not; kinds that cannot tell a duplicate count it."""
        count: int = self._native.key_count
        return count

    @property
    def memory_bytes(self) -> int:
        """The bytes of the bits."""
        size: int = self._native.memory_bytes
        return size

    @property
    def bits_per_key(self) -> float | None:
        """Bits of the filter over keys held; None without keys."""
        return self._native.bits / self.key_count if self.key_count else None

    @property
    def expected_false_positive_rate(self) -> float:
        """The probability that an absent key, whose hash is as good as random, is answered yes.

        Over m absent keys the measured rate is binomial around it, with a standard error of sqrt(p (1 - p) / m).
        """
        rate: float = self._native.expected_false_positive_rate
        return rate


class GrowingFilter(Filter):
    """A filter that takes more keys, and joins with its like; an insertion waits for the probes."""

    __slots__ = ()

    def insert(self, keys: Any, *, threads: int | None = None) -> None:
        """Adds the keys of a column; nulls are skipped. The size stays, so the rate grows.

        Args:
            keys: Any Arrow column of shape (n,).
            threads: At most so many threads; None means all cores.

        Raises:
            UnsupportedTypeError: A key cannot be held by this filter; nothing was added.
        """
        self._native.insert(keys, threads=threads)

    def false_positive_rate_at(self, keys: int) -> float:
        """The false-positive rate that a filter of this layout and size has with `keys` distinct keys, by the layout's
        own formula (METHODOLOGY.md, "False-positive rates"); the keys it holds do not matter.

        Raises:
            ParameterError: `keys` is negative or does not fit 64 bits.
        """
        count = integer("keys", keys, 0, UINT64_HIGH, "a number of keys, 0 or more")
        rate: float = self._native.false_positive_rate_at(count)
        return rate

    def __or__(self, other: object) -> Self:
        """The filter that holds the keys of both.

        Raises:
            ParameterError: The two differ in layout, size or type of keys.
        """
        if type(other) is not type(self):
            return NotImplemented
        return self._of(self._native.union(other._native))
