"""Key columns in forms that every engine orders as Arrow's values are ordered.

Three forms hold all types: a *word* (an integer of at most 64 bits), *text* (compared by its UTF-8 bytes), and
*binary* (compared by bytes). Numbers and times are ordered by value, floats with -0.0 as 0.0 and NaN after all
numbers, days of date64 as days, decimals as 16 bytes, most significant first. A null stays null.

Cost: one vectorised pass for each column. Source: the order of keys is that of `rust/assay-core/src/order.rs`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from assay.errors import ParameterError, UnsupportedTypeError

__all__ = ["KeyPart", "columns_of", "key_part", "probes_of", "scalars_of"]

Form = Literal["word", "text", "binary"]
_SIGN = np.uint64(1 << 63)
_DAY_MS = 86_400_000


@dataclass(frozen=True)
class KeyPart:
    """A key column's type, and the form that its values take.

    A word is between 0 and 2^(8 * width) once `bias` is added, which is what order-preserving bytes are made of.
    """

    name: str
    type: pa.DataType
    form: Form
    width: int = 0  # bytes of a word; 0: another form
    bias: int = 0

    def values(self, column: pa.Array) -> pa.Array:
        """The column, of `type`, in its form: int64, large_string or large_binary; null stays null."""
        if self.form == "text":
            return column.cast(pa.large_string())
        if pa.types.is_decimal(self.type):
            return _decimals(column)
        if self.form == "binary":
            return column.cast(pa.large_binary())
        return _words(column)

    @property
    def form_type(self) -> pa.DataType:
        """The Arrow type of what `values` gives."""
        return {"word": pa.int64(), "text": pa.large_string(), "binary": pa.large_binary()}[self.form]


def key_part(name: str, type_: pa.DataType) -> KeyPart:
    """How a key column of this type is ordered.

    Raises:
        UnsupportedTypeError: Its values have no order, or none that 16 bytes hold.
    """
    types = pa.types
    if types.is_dictionary(type_) or types.is_run_end_encoded(type_):
        return key_part(name, type_.value_type)
    if types.is_string(type_) or types.is_large_string(type_) or types.is_string_view(type_):
        return KeyPart(name, pa.large_string(), "text")
    if any(test(type_) for test in (types.is_binary, types.is_large_binary, types.is_fixed_size_binary)) or (
        types.is_binary_view(type_)
    ):
        return KeyPart(name, pa.large_binary(), "binary")
    if types.is_decimal(type_) and type_.precision <= 38:
        return KeyPart(name, pa.decimal128(type_.precision, type_.scale), "binary", width=16)
    if types.is_boolean(type_):
        return KeyPart(name, type_, "word", 1)
    if types.is_unsigned_integer(type_):
        width = type_.bit_width // 8
        return KeyPart(name, type_, "word", width, 1 << 63 if width == 8 else 0)
    if types.is_integer(type_) or types.is_floating(type_) or types.is_temporal(type_):
        if types.is_interval(type_):
            raise _unordered(name, type_)
        width = 4 if types.is_date64(type_) else type_.bit_width // 8
        return KeyPart(name, type_, "word", width, 1 << (8 * width - 1))
    raise _unordered(name, type_)


def _unordered(name: str, type_: pa.DataType) -> UnsupportedTypeError:
    return UnsupportedTypeError(
        f'column "{name}" is of type {type_}, which an engine cannot index; expected numbers, decimals of at most 38 '
        "digits, times, text or binary"
    )


def columns_of(keys: Any, parts: Sequence[KeyPart]) -> list[pa.Array]:
    """Keys that are put in, whatever they come as, as one array for each part of the key, of the part's type.

    Args:
        keys: An Arrow array or chunked array for a key of one column; a table or record batch for any, its columns
            in the key's order.
        parts: The key's columns.

    Raises:
        ParameterError: There are more or fewer columns than the key has, or a value does not fit the part's type.
        UnsupportedTypeError: A column is of another family of types than its part.
    """
    found = []
    for column, part in zip(_given(keys, parts), parts, strict=True):
        narrow, absent = _of_type(column, part)
        if absent is not None:
            value = column[int(np.argmax(absent))]
            raise ParameterError(f'{value} does not fit the column "{part.name}", which is of type {part.type}')
        found.append(narrow)
    return found


def probes_of(keys: Any, parts: Sequence[KeyPart]) -> tuple[list[pa.Array], np.ndarray | None]:
    """Keys that are asked for, as `columns_of`, and which of them no value of the parts' types can equal, if any."""
    found, absent = [], None
    for column, part in zip(_given(keys, parts), parts, strict=True):
        narrow, unfit = _of_type(column, part)
        found.append(narrow)
        if unfit is not None:
            absent = unfit if absent is None else absent | unfit
    return found, absent


def _given(keys: Any, parts: Sequence[KeyPart]) -> list[pa.Array]:
    """The columns of keys as plain arrays of their own types."""
    if isinstance(keys, pa.RecordBatch | pa.Table):
        columns = list(keys.columns)
    elif isinstance(keys, pa.Array | pa.ChunkedArray):
        columns = [keys]
    elif hasattr(keys, "__arrow_c_stream__"):
        columns = list(pa.table(keys).columns) if not hasattr(keys, "__arrow_c_array__") else [pa.chunked_array(keys)]
    elif hasattr(keys, "__arrow_c_array__"):
        columns = [pa.array(keys)]
    else:
        columns = [pa.array(keys, parts[0].type)]
    if len(columns) != len(parts):
        raise ParameterError(
            f"the keys have {len(columns)} columns; expected {len(parts)}: {', '.join(part.name for part in parts)}"
        )
    return [_plain(column) for column in columns]


def _plain(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    if isinstance(column, pa.ChunkedArray):
        column = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
    if isinstance(column, pa.ChunkedArray):  # what has no chunk, or too long a one to combine
        column = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
    if pa.types.is_dictionary(column.type):
        return column.dictionary_decode()
    return pc.run_end_decode(column) if pa.types.is_run_end_encoded(column.type) else column


def _family(type_: pa.DataType) -> str:
    """Types whose values can be the same."""
    types = pa.types
    tests = {
        "bool": types.is_boolean,
        "integer": types.is_integer,
        "float": types.is_floating,
        "date": types.is_date,
        "time": types.is_time,
        "timestamp": types.is_timestamp,
        "duration": types.is_duration,
        "decimal": types.is_decimal,
        "text": lambda one: types.is_string(one) or types.is_large_string(one) or types.is_string_view(one),
    }
    return next((name for name, test in tests.items() if test(type_)), "binary")


def _of_type(column: pa.Array, part: KeyPart) -> tuple[pa.Array, np.ndarray | None]:
    """The column in the part's type, and which values have no equal there, if any; these are null."""
    if column.type == part.type:
        return column, None
    if pa.types.is_null(column.type):
        return pa.nulls(len(column), part.type), None
    family = _family(column.type)
    try:
        if family != _family(part.type) or (
            family == "timestamp" and (column.type.tz is None) != (part.type.tz is None)
        ):
            raise pa.ArrowNotImplementedError("they are not comparable")
        if family in ("text", "binary", "date"):
            return column.cast(part.type), None
        narrow = column.cast(part.type, safe=False)
        wide = narrow.cast(column.type, safe=False)
        same = pc.equal(wide, column)
        if family == "integer":  # bits that come back may have been read with another sign
            signs = [pc.less(one, pa.scalar(0, one.type)) for one in (column, narrow)]
            same = pc.and_(same, pc.equal(*signs))
        if family == "float":
            same = pc.or_(same, pc.is_nan(column))
        same = pc.fill_null(same, True)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise UnsupportedTypeError(
            f'keys for column "{part.name}" are of type {column.type}; expected {part.type}: {error}; cast them'
        ) from error
    if pc.all(same).as_py() is not False:
        return narrow, None
    return pc.if_else(same, narrow, pa.scalar(None, part.type)), ~same.to_numpy(zero_copy_only=False)


def scalars_of(bound: Any, parts: Sequence[KeyPart], which: str) -> tuple[list[pa.Array], bool | None]:
    """A bound of a range as arrays of one value, one for each part that it names, in their types.

    An integer that the part's type cannot hold keeps its place: the bound ends with the last value before or after it.

    Args:
        bound: A Python value or Arrow scalar; for a compound key a tuple, which may be shorter than the key.
        parts: The key's columns.
        which: "low" or "high".

    Returns:
        The arrays, and whether what equals them is within, where the caller's `closed` does not say so.

    Raises:
        ParameterError: It has more values than the key has columns, or one is null or not of its column's type.
    """
    values = tuple(bound) if isinstance(bound, tuple | list) else (bound,)
    if not 1 <= len(values) <= len(parts):
        raise ParameterError(
            f"{which} has {len(values)} values; expected from 1 to {len(parts)}: "
            f"{', '.join(part.name for part in parts)}"
        )
    found = []
    for value, part in zip(values, parts, strict=False):
        plain = value.as_py() if isinstance(value, pa.Scalar) else value
        if plain is None:
            raise ParameterError(f"{which} has a null, which has no order; leave it out")
        if pa.types.is_integer(part.type) and isinstance(plain, int):
            least = -part.bias if part.bias and pa.types.is_signed_integer(part.type) else 0
            most = least + (1 << 8 * part.width) - 1
            if not least <= plain <= most:
                found.append(pa.array([min(max(plain, least), most)], part.type))
                return found, (plain < least) == (which == "low")
        try:
            found.append(pa.array([plain], part.type))
        except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError, TypeError, ValueError) as error:
            raise ParameterError(
                f'{which} is {plain!r} for column "{part.name}"; expected {part.type}: {error}'
            ) from error
    return found, None


def _words(column: pa.Array) -> pa.Array:
    """int64 in the order of the values."""
    type_, types = column.type, pa.types
    if types.is_boolean(type_):
        return column.cast(pa.int64())
    if types.is_floating(type_):
        return _with_nulls_of(column, _float_words(_zeroed(column, type_.bit_width)))
    if types.is_uint64(type_):
        return _with_nulls_of(column, (_zeroed(column, 64).view(np.uint64) ^ _SIGN).view(np.int64))
    if types.is_date64(type_):
        return _with_nulls_of(column, np.floor_divide(_zeroed(column, 64), _DAY_MS))
    if types.is_temporal(type_):
        column = column.view(pa.int32() if type_.bit_width == 32 else pa.int64())
    return column.cast(pa.int64())


def _zeroed(column: pa.Array, bits: int) -> np.ndarray:
    """The column's values as signed integers of so many bits, whatever stands under a null."""
    kind = {16: np.int16, 32: np.int32, 64: np.int64}[bits]
    buffer = column.buffers()[1]
    if buffer is None or len(column) == 0:
        return np.zeros(len(column), kind)
    return np.frombuffer(buffer, kind, count=len(column), offset=column.offset * bits // 8)


def _float_words(bits: np.ndarray) -> np.ndarray:
    """Signed integers in the order of the floats: of negative ones, all bits but the sign are turned."""
    floats = bits.view({2: np.float16, 4: np.float32, 8: np.float64}[bits.itemsize])
    plain = np.where(np.isnan(floats), np.array(np.nan, floats.dtype), floats) + np.array(0, floats.dtype)
    signed = np.ascontiguousarray(plain).view(bits.dtype)
    most = np.iinfo(bits.dtype).max
    return np.where(signed < 0, signed ^ most, signed & most).astype(np.int64)


def _with_nulls_of(column: pa.Array, words: np.ndarray) -> pa.Array:
    if column.null_count == 0:
        return pa.array(words)
    return pa.array(words, mask=column.is_null().to_numpy(zero_copy_only=False))


def _decimals(column: pa.Array) -> pa.Array:
    """Sixteen bytes, most significant first, the sign turned, so that bytes compare as the numbers do."""
    buffer = column.buffers()[1]
    if buffer is None or len(column) == 0:
        return pa.array([None] * len(column), pa.large_binary())
    halves = np.frombuffer(buffer, np.uint64, count=2 * len(column), offset=column.offset * 16).reshape(-1, 2)
    turned = np.stack([halves[:, 1] ^ _SIGN, halves[:, 0]], axis=1).astype(">u8")
    fixed = pa.FixedSizeBinaryArray.from_buffers(pa.binary(16), len(column), [None, pa.py_buffer(turned.tobytes())])
    found = fixed.cast(pa.large_binary())
    return pc.if_else(column.is_valid(), found, pa.scalar(None, pa.large_binary())) if column.null_count else found
