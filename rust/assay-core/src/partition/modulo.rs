//! Modulo partitioning: an integer key modulo n, as it is.
//!
//! Cost: one division a row, no state. Choose it for dense integer keys only: structured keys
//! (every fourth id, interleaved sequences) leave partitions empty. Source: folklore (`id % n`).

use crate::catalogue::Contender;
use crate::error::{Error, Result};
use crate::keys::{Canonical, Keys, Values};
use crate::partition::{Request, Strategy};

/// The catalogue's entry.
pub const CONTENDER: Contender = Contender {
    room: "partition",
    name: "modulo",
    version: 1,
    idea: "An integer key modulo the number of partitions, without a hash.",
    cost: "one division per row; no state",
    choose_when: "keys are dense integers, such as an auto-increment id without gaps",
    source: "folklore: id % n",
    parameters: &[],
    abilities: &["keyed"],
};

struct Modulo {
    nodes: Vec<u32>,
}

/// Whether the column is of integers, and if so whether they are signed.
fn signed(keys: &Keys<'_>) -> Option<bool> {
    match keys.values() {
        Values::I8(_) | Values::I16(_) | Values::I32(_) | Values::I64(_) => Some(true),
        Values::U8(_) | Values::U16(_) | Values::U32(_) | Values::U64(_) => Some(false),
        Values::Dictionary { values, .. } => signed(values),
        _ => None,
    }
}

/// Nothing is learned; the key must be one column of integers.
pub fn learn(request: &Request<'_>) -> Result<Box<dyn Strategy>> {
    check(request.distinct.columns)?;
    Ok(Box::new(Modulo { nodes: request.nodes.to_vec() }))
}

fn check(columns: &[Keys<'_>]) -> Result<bool> {
    match columns {
        [column] if matches!(column.values(), Values::Null) => Some(false),
        [column] => signed(column),
        _ => None,
    }
    .ok_or_else(|| Error::UnsupportedType("modulo takes one column of integers; use hash for other keys".to_owned()))
}

impl Strategy for Modulo {
    fn nodes(&self) -> &[u32] {
        &self.nodes
    }

    #[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, clippy::cast_sign_loss)]
    fn assign(&self, columns: &[Keys<'_>], _first_row: u64, _threads: usize, out: &mut [u32]) -> Result<()> {
        let signed = check(columns)?;
        let n = self.nodes.len() as u64;
        columns[0].for_each(0..out.len(), |row, form| {
            out[row] = match form {
                Canonical::Word(word) if signed => (word as i64).rem_euclid(n as i64) as u32,
                Canonical::Word(word) => (word % n) as u32,
                _ => 0,
            };
        });
        Ok(())
    }

    fn routing_bytes(&self) -> u64 {
        0
    }
}
