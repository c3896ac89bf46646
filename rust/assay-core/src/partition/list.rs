//! List partitioning: each value is assigned to a partition by name.
//!
//! Cost: one table lookup a row; the state is the list. Choose it for few values that people know
//! (countries, tenants). Learned: values by count descending, then value ascending, each to the
//! least loaded partition, lowest index first (Graham's LPT rule); null rows load partition 0 from
//! the start. Source: METHODOLOGY, "Strategies"; Graham 1969, "Bounds on Multiprocessing Timing
//! Anomalies".

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use crate::catalogue::{Contender, Domain, Parameter};
use crate::error::{Error, Result};
use crate::key_table::{ABSENT, KeyTable};
use crate::keys::{Canonical, Keys, for_each_compound};
use crate::partition::{Request, Strategy};
use crate::threads;

/// The catalogue's entry.
pub const CONTENDER: Contender = Contender {
    room: "partition",
    name: "list",
    version: 1,
    idea: "Each value is named in the list of one partition; learned largest first, to the least loaded.",
    cost: "one table lookup per row; the list is the state",
    choose_when: "the key has few values that people know by name",
    source: "Graham 1969, \"Bounds on Multiprocessing Timing Anomalies\" (LPT)",
    parameters: &[Parameter {
        name: "values",
        default: "",
        domain: Domain::Groups,
        meaning: "one list of values per partition; learned from the data if not given",
    }],
    abilities: &["keyed", "compound", "enumerable"],
};

struct List {
    table: Arc<KeyTable>,
    /// The partition of each of the table's keys, by number; those of the null key do not matter.
    partitions: Vec<u32>,
    values: u64,
    value_bytes: u64,
    nodes: Vec<u32>,
}

fn form_bytes(form: Canonical<'_>) -> u64 {
    match form {
        Canonical::Null => 0,
        Canonical::Word(_) => 8,
        Canonical::Bytes(bytes) => bytes.len() as u64,
    }
}

/// Learns the list, or takes the one given.
pub fn learn(request: &Request<'_>) -> Result<Box<dyn Strategy>> {
    let list = match request.values {
        Some(values) => List::given(values, request.groups, request.nodes)?,
        None => List::learned(request)?,
    };
    list.refuse_unlisted(request.distinct.columns)?;
    Ok(Box::new(list))
}

impl List {
    fn learned(request: &Request<'_>) -> Result<Self> {
        let distinct = &request.distinct;
        let mut order = distinct.order().to_vec();
        order.sort_by_key(|row| Reverse(distinct.rows[*row as usize])); // stable: then by value
        let mut partitions = vec![0; distinct.rows.len()];
        // Null rows live in partition 0 and load it before any value does.
        let listed: u64 = order.iter().map(|row| distinct.rows[*row as usize]).sum();
        let nulls = distinct.rows.iter().sum::<u64>() - listed;
        #[allow(clippy::cast_possible_truncation)]
        let mut loads: BinaryHeap<Reverse<(u64, u32)>> = (0..request.nodes.len() as u32)
            .map(|partition| Reverse((if partition == 0 { nulls } else { 0 }, partition)))
            .collect();
        for row in &order {
            let Reverse((load, partition)) = loads.pop().expect("there is at least one partition");
            partitions[*row as usize] = partition;
            loads.push(Reverse((load + distinct.rows[*row as usize], partition)));
        }
        let mut value_bytes = 0;
        for_each_compound(distinct.columns, 0..distinct.rows.len(), |_, form| value_bytes += form_bytes(form));
        Ok(Self {
            table: distinct.table()?,
            partitions,
            values: order.len() as u64,
            value_bytes,
            nodes: request.nodes.to_vec(),
        })
    }

    fn given(values: &Keys<'_>, groups: &[u32], nodes: &[u32]) -> Result<Self> {
        if groups.len() != nodes.len() {
            return Err(Error::Parameter(format!(
                "list: values has {} lists; expected {}, one per partition",
                groups.len(),
                nodes.len()
            )));
        }
        let named: u64 = groups.iter().map(|size| u64::from(*size)).sum();
        if named != values.len() as u64 {
            return Err(Error::Parameter(format!(
                "list: the lists have {named} values in all, but {} are given; expected as many",
                values.len()
            )));
        }
        let mut table = KeyTable::new();
        let (mut partitions, mut value_bytes, mut row) = (Vec::new(), 0, 0);
        #[allow(clippy::cast_possible_truncation)]
        for (partition, size) in groups.iter().enumerate() {
            for _ in 0..*size {
                let number = values.at(row, |form| {
                    value_bytes += form_bytes(form);
                    table.insert(form) as usize
                });
                if number < partitions.len() {
                    return Err(Error::Parameter(format!(
                        "list: the value {} stands in more than one place; name each value once",
                        values.display(row)
                    )));
                }
                partitions.push(partition as u32);
                row += 1;
            }
        }
        let count = partitions.len() as u64;
        Ok(Self { table: Arc::new(table), partitions, values: count, value_bytes, nodes: nodes.to_vec() })
    }

    /// Every key of the table must be on the list; null needs no place, it lives in partition 0.
    fn refuse_unlisted(&self, columns: &[Keys<'_>]) -> Result<()> {
        let rows = columns.first().map_or(0, Keys::len);
        let mut unlisted = Vec::new();
        for_each_compound(columns, 0..rows, |row, form| {
            if form != Canonical::Null && self.table.find(form) == ABSENT {
                unlisted.push(row);
            }
        });
        if unlisted.is_empty() {
            return Ok(());
        }
        let shown: Vec<String> = unlisted
            .iter()
            .take(5)
            .map(|row| columns.iter().map(|column| column.display(*row)).collect::<Vec<_>>().join(", "))
            .collect();
        Err(Error::Data(format!(
            "list: values misses {} value{} of the data ({}{}); add them, or leave values out to learn the list",
            unlisted.len(),
            if unlisted.len() == 1 { "" } else { "s" },
            shown.join("; "),
            if unlisted.len() > shown.len() { "; ..." } else { "" },
        )))
    }
}

impl Strategy for List {
    fn nodes(&self) -> &[u32] {
        &self.nodes
    }

    fn assign(&self, columns: &[Keys<'_>], _first_row: u64, threads: usize, out: &mut [u32]) -> Result<()> {
        // No partition has this number: there are at most 2^24.
        const UNKNOWN: u32 = u32::MAX;
        threads::fill(out, threads, |first, part| {
            let range = first..first + part.len();
            match columns {
                [column] => self.table.find_keys(column, range, part),
                _ => self.table.find_each(columns, range, part),
            }
            for slot in part {
                *slot = self.partitions.get(*slot as usize).copied().unwrap_or(UNKNOWN);
            }
        });
        // Null lives in partition 0, whether it is on the list or not.
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
                "list: the value {} is on no partition's list",
                columns.iter().map(|column| column.display(row)).collect::<Vec<_>>().join(", ")
            ))),
        }
    }

    /// Each value's bytes and a 4-byte partition number.
    fn routing_bytes(&self) -> u64 {
        self.value_bytes + 4 * self.values
    }
}
