//! Iceberg's bucket transform: 31 bits of Murmur3, modulo n.
//!
//! Cost: one hash a row, no state. Choose it to see how an Iceberg table bucketed by a column would be
//! filled. Iceberg buckets no floats and no booleans; decimals are hashed by assay's canonical form,
//! not by Iceberg's. Source: Iceberg specification, "Bucket transform details", appendix B.

use crate::catalogue::Contender;
use crate::error::{Error, Result};
use crate::hash::{HashFunction, hash_keys};
use crate::keys::{Keys, Values};
use crate::memory;
use crate::partition::{Request, Strategy};

/// The catalogue's entry.
pub const CONTENDER: Contender = Contender {
    room: "partition",
    name: "bucket",
    version: 1,
    idea: "Iceberg's bucket transform: (murmur3_32 & 0x7fffffff) mod n.",
    cost: "one hash per row; no state",
    choose_when: "the target is an Iceberg table bucketed by the column",
    source: "Iceberg specification, bucket transform details",
    parameters: &[],
    abilities: &["keyed"],
};

const POSITIVE: u64 = 0x7fff_ffff;

struct Bucket {
    nodes: Vec<u32>,
}

fn has_buckets(keys: &Keys<'_>) -> bool {
    match keys.values() {
        Values::F16(_) | Values::F32(_) | Values::F64(_) | Values::Boolean(_) => false,
        Values::Dictionary { values, .. } => has_buckets(values),
        _ => true,
    }
}

fn check(columns: &[Keys<'_>]) -> Result<()> {
    match columns {
        [column] if has_buckets(column) => Ok(()),
        [_] => Err(Error::UnsupportedType(
            "bucket takes no floats and no bool, since Iceberg does not bucket them; use hash for such keys".to_owned(),
        )),
        _ => {
            Err(Error::Parameter(format!("bucket takes one column, not {}; use hash for compound keys", columns.len())))
        }
    }
}

/// Nothing is learned; the key must be one column that Iceberg can bucket.
pub fn learn(request: &Request<'_>) -> Result<Box<dyn Strategy>> {
    check(request.distinct.columns)?;
    Ok(Box::new(Bucket { nodes: request.nodes.to_vec() }))
}

impl Strategy for Bucket {
    fn nodes(&self) -> &[u32] {
        &self.nodes
    }

    fn assign(&self, columns: &[Keys<'_>], _first_row: u64, threads: usize, out: &mut [u32]) -> Result<()> {
        check(columns)?;
        let mut hashes = memory::zeros(out.len());
        // The hash 0 stands for null: it lives in partition 0 either way.
        hash_keys(columns, HashFunction::parse("murmur3_32", 0)?, threads, 0, &mut hashes)?;
        let n = self.nodes.len() as u64;
        for (slot, hash) in out.iter_mut().zip(hashes) {
            #[allow(clippy::cast_possible_truncation)]
            {
                *slot = ((hash & POSITIVE) % n) as u32;
            }
        }
        Ok(())
    }

    fn routing_bytes(&self) -> u64 {
        0
    }
}
