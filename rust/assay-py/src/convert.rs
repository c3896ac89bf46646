//! Arrow columns in, borrowed keys out; plain vectors in, pyarrow arrays out.
//!
//! Input is anything that speaks the Arrow PyCapsule interface, chunked or not. Nothing of the
//! data is copied: the core reads Arrow's own buffers while the chunk is held here.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::*;
use arrow_array::{Array, ArrayRef, make_array};
use arrow_buffer::NullBuffer;
use arrow_schema::{DataType, TimeUnit as ArrowTimeUnit};
use assay_core::error::Error;
use assay_core::keys::{Bitmap, Decimals, Indices, Keys, TimeUnit, Values};
use pyo3::prelude::*;
use pyo3_arrow::input::AnyArray;

use crate::errors::{parameter, unsupported_type};

/// What the message about an unsupported column offers.
const SUPPORTED: &str = "integers, floats, bool, dates, times, timestamps, decimals, (large) string, (large) binary, \
                         string and binary views, fixed-size binary, and dictionaries of these";

/// A column as it came: its chunks, and its name for messages.
pub struct Column {
    /// The chunks, at least one unless the column is empty.
    pub chunks: Vec<ArrayRef>,
    /// The field's name; empty if the source has none.
    pub name: String,
    /// The type of every chunk.
    pub data_type: DataType,
}

impl Column {
    /// The number of rows in all chunks.
    pub fn len(&self) -> usize {
        self.chunks.iter().map(|chunk| chunk.len()).sum()
    }

    /// How messages call the column.
    pub fn label(&self) -> String {
        if self.name.is_empty() { "the column".to_owned() } else { format!("column \"{}\"", self.name) }
    }

    /// The error for a column of this type.
    pub fn unsupported(&self) -> PyErr {
        unsupported_type(format!(
            "{} is of type {}, which cannot be a key; supported: {SUPPORTED}",
            self.label(),
            self.data_type
        ))
    }

    /// The chunks as borrowed keys.
    pub fn keys(&self) -> PyResult<Vec<Keys<'_>>> {
        self.chunks
            .iter()
            .map(|chunk| {
                let found = keys_of(chunk.as_ref()).map_err(|error| match error {
                    Error::UnsupportedType(message) => unsupported_type(format!("{}: {message}", self.label())),
                    Error::Corrupt(message) => {
                        crate::errors::raise(Error::Corrupt(format!("{}: {message}", self.label())))
                    }
                    other => crate::errors::raise(other),
                })?;
                found.ok_or_else(|| self.unsupported())
            })
            .collect()
    }
}

impl<'py> FromPyObject<'_, 'py> for Column {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        refuse_objects(object)?;
        let any: AnyArray = object.extract().map_err(|error| {
            let kind = object.get_type().name().map_or_else(|_| "object".to_owned(), |name| name.to_string());
            unsupported_type(format!(
                "expected an Arrow column (anything with __arrow_c_array__ or __arrow_c_stream__: pyarrow, polars, \
                 pandas, DuckDB, arro3), got {kind} ({error}); wrap plain values as pyarrow.array(values)"
            ))
        })?;
        let (chunks, field) = any.into_chunked_array()?.into_inner();
        let (chunks, field) = match field.data_type() {
            // A table with one column: a data frame, a relation, a record batch.
            DataType::Struct(fields) if fields.len() == 1 => {
                let inner = fields[0].clone();
                (chunks.iter().map(|chunk| only_field(chunk)).collect::<PyResult<_>>()?, inner)
            }
            DataType::Struct(fields) => {
                return Err(parameter(format!(
                    "expected one column, got a table of {} columns ({}); select one, or use hash_rows for all",
                    fields.len(),
                    fields.iter().map(|field| field.name().as_str()).collect::<Vec<_>>().join(", ")
                )));
            }
            _ => (chunks, field),
        };
        Ok(Self { chunks, name: field.name().clone(), data_type: field.data_type().clone() })
    }
}

/// A series of Python objects comes from polars as their addresses, which say nothing of their values.
fn refuse_objects(object: Borrowed<'_, '_, PyAny>) -> PyResult<()> {
    if !object.get_type().name().is_ok_and(|name| name == "Series") {
        return Ok(());
    }
    let kind = object.getattr("dtype").and_then(|dtype| dtype.str()).map(|text| text.to_string());
    if kind.is_ok_and(|kind| kind == "Object") {
        return Err(unsupported_type(format!(
            "the series holds Python objects, which cannot be keys; supported: {SUPPORTED}"
        )));
    }
    Ok(())
}

/// The field of a struct that has one; where the struct is null, so is its field.
fn only_field(chunk: &ArrayRef) -> PyResult<ArrayRef> {
    let whole = chunk.as_struct();
    let field = whole.column(0);
    if whole.null_count() == 0 || *field.data_type() == DataType::Null {
        return Ok(Arc::clone(field));
    }
    let nulls = NullBuffer::union(whole.nulls(), field.nulls());
    let data = field.to_data().into_builder().nulls(nulls).build();
    data.map(make_array).map_err(|error| parameter(format!("the struct's field cannot be read: {error}")))
}

/// Several columns of equal length, each chunked in its own way.
pub struct Columns(pub Vec<Column>);

impl Columns {
    /// Checks that all columns have the same number of rows, and returns it.
    pub fn rows(&self) -> PyResult<usize> {
        let rows = self.0.first().map_or(0, Column::len);
        for column in &self.0 {
            if column.len() != rows {
                return Err(parameter(format!(
                    "columns differ in length: {} has {} rows, the first has {rows}",
                    column.label(),
                    column.len()
                )));
            }
        }
        Ok(rows)
    }

    /// The same rows in chunks of at most `rows`; slices are zero-copy.
    #[must_use]
    pub fn in_pieces(self, rows: usize) -> Self {
        let cut = |chunk: &ArrayRef| {
            let starts = (0..chunk.len()).step_by(rows);
            starts.map(|start| chunk.slice(start, rows.min(chunk.len() - start))).collect::<Vec<_>>()
        };
        let columns = self.0.into_iter();
        Self(columns.map(|column| Column { chunks: column.chunks.iter().flat_map(cut).collect(), ..column }).collect())
    }

    /// Calls `work(first_row, columns)` for consecutive runs of rows in which no column changes its
    /// chunk. Slices are zero-copy.
    pub fn for_each_run(&self, mut work: impl FnMut(usize, &[Keys<'_>]) -> PyResult<()>) -> PyResult<()> {
        let rows = self.rows()?;
        if let [column] = self.0.as_slice() {
            let mut first = 0;
            for keys in column.keys()? {
                let next = first + keys.len();
                work(first, std::slice::from_ref(&keys))?;
                first = next;
            }
            return Ok(());
        }
        let mut first = 0;
        let mut position = vec![(0_usize, 0_usize); self.0.len()];
        while first < rows {
            let mut run = rows - first;
            for (column, (chunk, offset)) in self.0.iter().zip(&mut position) {
                while *offset == column.chunks[*chunk].len() {
                    *chunk += 1;
                    *offset = 0;
                }
                run = run.min(column.chunks[*chunk].len() - *offset);
            }
            let slices: Vec<Column> = self
                .0
                .iter()
                .zip(&mut position)
                .map(|(column, (chunk, offset))| {
                    let slice = column.chunks[*chunk].slice(*offset, run);
                    *offset += run;
                    Column { chunks: vec![slice], name: column.name.clone(), data_type: column.data_type.clone() }
                })
                .collect();
            let keys = slices.iter().map(Column::keys).collect::<PyResult<Vec<_>>>()?;
            let keys: Vec<Keys<'_>> = keys.into_iter().flatten().collect();
            work(first, &keys)?;
            first += run;
        }
        Ok(())
    }
}

fn validity(nulls: Option<&NullBuffer>) -> Option<Bitmap<'_>> {
    nulls.filter(|nulls| nulls.null_count() > 0).map(|nulls| Bitmap::new(nulls.validity(), nulls.offset(), nulls.len()))
}

fn unit(unit: ArrowTimeUnit) -> TimeUnit {
    match unit {
        ArrowTimeUnit::Second => TimeUnit::Second,
        ArrowTimeUnit::Millisecond => TimeUnit::Millisecond,
        ArrowTimeUnit::Microsecond => TimeUnit::Microsecond,
        ArrowTimeUnit::Nanosecond => TimeUnit::Nanosecond,
    }
}

/// The borrowed form of an array; None if its type cannot be a key.
#[allow(clippy::too_many_lines)]
pub fn keys_of(array: &dyn Array) -> assay_core::error::Result<Option<Keys<'_>>> {
    macro_rules! primitive {
        ($kind:ty) => {
            array.as_primitive::<$kind>().values().as_ref()
        };
    }
    let values = match array.data_type() {
        DataType::Null => Values::Null,
        DataType::Int8 => Values::I8(primitive!(Int8Type)),
        DataType::Int16 => Values::I16(primitive!(Int16Type)),
        DataType::Int32 => Values::I32(primitive!(Int32Type)),
        DataType::Int64 => Values::I64(primitive!(Int64Type)),
        DataType::UInt8 => Values::U8(primitive!(UInt8Type)),
        DataType::UInt16 => Values::U16(primitive!(UInt16Type)),
        DataType::UInt32 => Values::U32(primitive!(UInt32Type)),
        DataType::UInt64 => Values::U64(primitive!(UInt64Type)),
        DataType::Float16 => Values::F16(primitive!(Float16Type)),
        DataType::Float32 => Values::F32(primitive!(Float32Type)),
        DataType::Float64 => Values::F64(primitive!(Float64Type)),
        DataType::Boolean => {
            let bits = array.as_boolean().values();
            Values::Boolean(Bitmap::new(bits.values(), bits.offset(), bits.len()))
        }
        DataType::Date32 => Values::Date32(primitive!(Date32Type)),
        DataType::Date64 => Values::Date64(primitive!(Date64Type)),
        DataType::Time32(ArrowTimeUnit::Second) => Values::Time32(primitive!(Time32SecondType), TimeUnit::Second),
        DataType::Time32(_) => Values::Time32(primitive!(Time32MillisecondType), TimeUnit::Millisecond),
        DataType::Time64(ArrowTimeUnit::Nanosecond) => {
            Values::Time64(primitive!(Time64NanosecondType), TimeUnit::Nanosecond)
        }
        DataType::Time64(_) => Values::Time64(primitive!(Time64MicrosecondType), TimeUnit::Microsecond),
        DataType::Timestamp(stamp, _) => {
            let values = match stamp {
                ArrowTimeUnit::Second => primitive!(TimestampSecondType),
                ArrowTimeUnit::Millisecond => primitive!(TimestampMillisecondType),
                ArrowTimeUnit::Microsecond => primitive!(TimestampMicrosecondType),
                ArrowTimeUnit::Nanosecond => primitive!(TimestampNanosecondType),
            };
            Values::Time64(values, unit(*stamp))
        }
        DataType::Decimal32(_, scale) => Values::Decimal(Decimals::I32(primitive!(Decimal32Type)), *scale),
        DataType::Decimal64(_, scale) => Values::Decimal(Decimals::I64(primitive!(Decimal64Type)), *scale),
        DataType::Decimal128(_, scale) => Values::Decimal(Decimals::I128(primitive!(Decimal128Type)), *scale),
        DataType::Decimal256(_, scale) => {
            let raw = array.as_primitive::<Decimal256Type>().values().inner().as_slice();
            let (bytes, rest) = raw.as_chunks::<32>();
            debug_assert!(rest.is_empty(), "decimal256 values are 32 bytes each");
            Values::Decimal(Decimals::I256(bytes), *scale)
        }
        DataType::Utf8 => {
            let text = array.as_string::<i32>();
            Values::Bytes32 { offsets: text.value_offsets(), data: text.value_data() }
        }
        DataType::LargeUtf8 => {
            let text = array.as_string::<i64>();
            Values::Bytes64 { offsets: text.value_offsets(), data: text.value_data() }
        }
        DataType::Binary => {
            let bytes = array.as_binary::<i32>();
            Values::Bytes32 { offsets: bytes.value_offsets(), data: bytes.value_data() }
        }
        DataType::LargeBinary => {
            let bytes = array.as_binary::<i64>();
            Values::Bytes64 { offsets: bytes.value_offsets(), data: bytes.value_data() }
        }
        DataType::Utf8View => {
            let text = array.as_string_view();
            Values::Views {
                views: text.views().as_ref(),
                buffers: text.data_buffers().iter().map(|buffer| buffer.as_slice()).collect(),
            }
        }
        DataType::BinaryView => {
            let bytes = array.as_binary_view();
            Values::Views {
                views: bytes.views().as_ref(),
                buffers: bytes.data_buffers().iter().map(|buffer| buffer.as_slice()).collect(),
            }
        }
        DataType::FixedSizeBinary(_) => {
            let bytes = array.as_fixed_size_binary();
            #[allow(clippy::cast_sign_loss)]
            let width = bytes.value_length() as usize;
            let data = bytes.value_data();
            Values::Fixed { width, data: &data[..width * bytes.len()] }
        }
        DataType::Dictionary(index, _) => {
            let dictionary = array.as_any_dictionary();
            let Some(entries) = keys_of(dictionary.values().as_ref())? else { return Ok(None) };
            let keys = dictionary.keys();
            macro_rules! indices {
                ($variant:ident, $kind:ty) => {
                    Indices::$variant(keys.as_primitive::<$kind>().values().as_ref())
                };
            }
            let indices = match index.as_ref() {
                DataType::Int8 => indices!(I8, Int8Type),
                DataType::Int16 => indices!(I16, Int16Type),
                DataType::Int32 => indices!(I32, Int32Type),
                DataType::Int64 => indices!(I64, Int64Type),
                DataType::UInt8 => indices!(U8, UInt8Type),
                DataType::UInt16 => indices!(U16, UInt16Type),
                DataType::UInt32 => indices!(U32, UInt32Type),
                _ => indices!(U64, UInt64Type),
            };
            Values::Dictionary { indices, values: Box::new(entries) }
        }
        _ => return Ok(None),
    };
    Ok(Some(Keys::new(values, validity(array.nulls()), array.len())?))
}
