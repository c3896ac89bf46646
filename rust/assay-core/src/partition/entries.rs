//! Keys named one by one, each with its partition: what a list and a directory are made of.
//!
//! Learned by Graham's LPT rule: keys by rows descending, then value ascending, each to the partition
//! with the least load / capacity, lowest index first. Null has no entry; null rows live in partition 0
//! and load it from the start. Source: METHODOLOGY, "Strategies"; Graham 1969, "Bounds on
//! Multiprocessing Timing Anomalies".

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use crate::capacity::{Filled, units};
use crate::counts::Counts;
use crate::error::{Error, Result};
use crate::key_table::KeyTable;
use crate::keys::{Canonical, Keys, for_each_compound};
use crate::memory;
use crate::partition::{Distinct, Request};
use crate::threads;

/// Every key that is not null, with its partition.
pub struct Entries {
    table: Arc<KeyTable>,
    /// The partition of each of the table's keys, by number; those of the null key do not matter.
    partitions: Numbers,
    count: u64,
    value_bytes: u64,
}

/// Partitions in the narrowest type that holds them all.
enum Numbers {
    U8(Vec<u8>),
    U16(Vec<u16>),
    U32(Vec<u32>),
}

impl Numbers {
    /// So many zeros, to become numbers below `count`.
    fn zeros(len: usize, count: usize) -> Self {
        match count {
            0..=0x100 => Self::U8(memory::zeros(len)),
            0x101..=0x1_0000 => Self::U16(memory::zeros(len)),
            _ => Self::U32(memory::zeros(len)),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::U8(numbers) => numbers.len(),
            Self::U16(numbers) => numbers.len(),
            Self::U32(numbers) => numbers.len(),
        }
    }

    #[inline]
    fn get(&self, place: usize) -> u32 {
        match self {
            Self::U8(numbers) => u32::from(numbers[place]),
            Self::U16(numbers) => u32::from(numbers[place]),
            Self::U32(numbers) => numbers[place],
        }
    }

    /// The number must fit, as was promised of all.
    #[inline]
    #[allow(clippy::cast_possible_truncation)]
    fn set(&mut self, place: usize, number: u32) {
        match self {
            Self::U8(numbers) => numbers[place] = number as u8,
            Self::U16(numbers) => numbers[place] = number as u16,
            Self::U32(numbers) => numbers[place] = number,
        }
    }
}

/// The bytes of a key's value.
#[must_use]
pub fn form_bytes(form: Canonical<'_>) -> u64 {
    match form {
        Canonical::Null => 0,
        Canonical::Word(_) => 8,
        Canonical::Bytes(bytes) => bytes.len() as u64,
    }
}

/// Gives each row in turn to the partition that is least of `loads`; `add` adds to its load and names it.
fn deal<T: Ord>(
    order: &[u32],
    rows: Counts<'_>,
    partitions: &mut Numbers,
    loads: &mut BinaryHeap<T>,
    add: impl Fn(&mut T, u64) -> u32,
) {
    for row in order {
        let mut least = loads.peek_mut().expect("there is at least one partition");
        partitions.set(*row as usize, add(&mut least, rows.get(*row as usize)));
    }
}

impl Entries {
    /// Entries of the keys of a table of their own.
    #[must_use]
    pub fn new(table: KeyTable, partitions: Vec<u32>, value_bytes: u64) -> Self {
        let count = partitions.len() as u64;
        Self { table: Arc::new(table), partitions: Numbers::U32(partitions), count, value_bytes }
    }

    /// Entries of distinct keys, given the partition of each, of `n`.
    ///
    /// # Errors
    /// If a key is there twice.
    pub fn of(distinct: &Distinct<'_>, partitions: &[u32], n: usize) -> Result<Self> {
        let mut numbers = Numbers::zeros(partitions.len(), n);
        partitions.iter().enumerate().for_each(|(place, partition)| numbers.set(place, *partition));
        Self::numbered(distinct, numbers)
    }

    fn numbered(distinct: &Distinct<'_>, partitions: Numbers) -> Result<Self> {
        let mut value_bytes = 0;
        for_each_compound(distinct.columns, 0..distinct.rows.len(), |_, form| value_bytes += form_bytes(form));
        Ok(Self { table: distinct.table()?, partitions, count: distinct.order().len() as u64, value_bytes })
    }

    /// Entries dealt by the LPT rule.
    ///
    /// # Errors
    /// If a key is there twice.
    pub fn dealt(request: &Request<'_>) -> Result<Self> {
        let distinct = &request.distinct;
        let order = distinct.heaviest();
        let mut partitions = Numbers::zeros(distinct.rows.len(), request.nodes.len());
        let listed: u64 = order.iter().map(|row| distinct.rows.get(*row as usize)).sum();
        let nulls = distinct.rows.iter().sum::<u64>() - listed;
        let units = units(&request.all_capacities());
        let loads = (0_u32..).zip(units.iter().copied());
        let loads =
            loads.map(|(position, unit)| Filled { load: if position == 0 { nulls } else { 0 }, unit, position });
        if units.iter().all(|unit| *unit == 1) {
            // Plain loads compare faster than quotients.
            let mut loads = loads.map(|filled| Reverse((filled.load, filled.position))).collect();
            deal(order, distinct.rows, &mut partitions, &mut loads, |Reverse((load, position)), more| {
                *load += more;
                *position
            });
        } else {
            let mut loads = loads.map(Reverse).collect();
            deal(order, distinct.rows, &mut partitions, &mut loads, |Reverse(filled), more| {
                filled.load += more;
                filled.position
            });
        }
        Self::numbered(distinct, partitions)
    }

    /// The number of entries.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Each value's bytes and a 4-byte partition number.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.value_bytes + 4 * self.count
    }

    /// The number of a key in the table, or [`crate::key_table::ABSENT`].
    #[must_use]
    pub fn find(&self, form: Canonical<'_>) -> u32 {
        self.table.find(form)
    }

    /// Writes the partition of each row; null lives in partition 0.
    ///
    /// # Errors
    /// If a key has no entry; `name` is the strategy's.
    pub fn assign(&self, name: &str, columns: &[Keys<'_>], threads: usize, out: &mut [u32]) -> Result<()> {
        // No partition has this number: there are at most 2^24.
        const UNKNOWN: u32 = u32::MAX;
        threads::fill(out, threads, |first, part| {
            let range = first..first + part.len();
            match columns {
                [column] => self.table.find_keys(column, range, part),
                _ => self.table.find_each(columns, range, part),
            }
            for slot in part {
                let number = *slot as usize;
                *slot = if number < self.partitions.len() { self.partitions.get(number) } else { UNKNOWN };
            }
        });
        // Null lives in partition 0, whether it has an entry or not.
        if columns.iter().all(Keys::may_be_null) {
            for (row, slot) in out.iter_mut().enumerate() {
                if columns.iter().all(|column| column.is_null(row)) {
                    *slot = 0;
                }
            }
        }
        match out.iter().position(|partition| *partition == UNKNOWN) {
            None => Ok(()),
            Some(row) => Err(Error::Data(format!(
                "{name}: the value {} is on no partition's list",
                columns.iter().map(|column| column.display(row)).collect::<Vec<_>>().join(", ")
            ))),
        }
    }
}
