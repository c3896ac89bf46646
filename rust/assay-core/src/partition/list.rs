//! List partitioning: each value is assigned to a partition by name.
//!
//! Cost: one table lookup a row; the state is the list. Choose it for few values that people know
//! (countries, tenants). Learned: values by count descending, then value ascending, each to the
//! partition with the least load / capacity, lowest index first (Graham's LPT rule); null rows load
//! partition 0 from the start. Source: METHODOLOGY, "Strategies"; Graham 1969, "Bounds on Multiprocessing Timing
//! Anomalies".

use crate::catalogue::{Contender, Domain, Parameter};
use crate::error::{Error, Result};
use crate::key_table::{ABSENT, KeyTable};
use crate::keys::{Canonical, Keys, for_each_compound};
use crate::partition::entries::{Entries, form_bytes};
use crate::partition::{Request, Strategy};

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
    abilities: &["keyed", "compound", "enumerable", "capacities"],
};

struct List {
    entries: Entries,
    nodes: Vec<u32>,
}

/// Learns the list, or takes the one given.
pub fn learn(request: &Request<'_>) -> Result<Box<dyn Strategy>> {
    let Some(values) = request.values else {
        return Ok(Box::new(List { entries: Entries::dealt(request)?, nodes: request.nodes.to_vec() }));
    };
    let list = List::given(values, request.groups, request.nodes)?;
    list.refuse_unlisted(request.distinct.columns)?;
    Ok(Box::new(list))
}

impl List {
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
        Ok(Self { entries: Entries::new(table, partitions, value_bytes), nodes: nodes.to_vec() })
    }

    /// Every key of the table must be on the list; null needs no place, it lives in partition 0.
    fn refuse_unlisted(&self, columns: &[Keys<'_>]) -> Result<()> {
        let rows = columns.first().map_or(0, Keys::len);
        let mut unlisted = Vec::new();
        for_each_compound(columns, 0..rows, |row, form| {
            if form != Canonical::Null && self.entries.find(form) == ABSENT {
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
        self.entries.assign("list", columns, threads, out)
    }

    /// Each value's bytes and a 4-byte partition number.
    fn routing_bytes(&self) -> u64 {
        self.entries.bytes()
    }
}
