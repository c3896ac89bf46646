//! Maglev: a table of slots that the nodes fill in turn.
//!
//! Idea: each node has its own permutation of the slots; in turn, each takes its next free one. A
//! key's slot is its hash modulo the table's prime size, as in the paper. Cost: one division and one
//! load a lookup, 4 bytes a slot. Choose it for balance: shares differ by at most one slot. A change
//! of nodes moves a little more than it must.
//! Source: Eisenbud et al. 2016, "Maglev: A Fast and Reliable Software Network Load Balancer", 3.4.

use std::any::Any;

use crate::catalogue::{Contender, Domain, Parameter};
use crate::error::{Error, Result};
use crate::hash::{HashKey, xxh3_64::Xxh3_64};
use crate::placement::movement::numbered_names;
use crate::placement::remainder::Remainder;
use crate::placement::{HASH, Placement, SEED, Settings, residue_count, share_of_values};

/// Slots of a table for up to 655 nodes.
pub const TABLE_SIZE_DEFAULT: u64 = 65_537;

/// The most slots: the greatest prime below 2^27, which is 512 MiB of state.
pub const TABLE_SIZE_HIGH: u64 = 134_217_689;

/// The catalogue's entry.
pub const CONTENDER: Contender = Contender {
    room: "placement",
    name: "maglev",
    version: 1,
    idea: "Nodes take slots of a table in turn, each by its own permutation; a key's slot is its hash modulo the size.",
    cost: "one division and one load per key; 4 bytes per slot",
    choose_when: "shares must be equal, nodes are alike, and a few more moves than the least do no harm",
    source: "Eisenbud et al. 2016, Maglev: A Fast and Reliable Software Network Load Balancer, section 3.4",
    parameters: &[
        Parameter {
            name: "table_size",
            default: "",
            domain: Domain::Integer { low: 2, high: TABLE_SIZE_HIGH },
            meaning: "slots, a prime not below the number of nodes; by default 65537, or the smallest prime above \
                      100 times the nodes if that is larger",
        },
        HASH,
        SEED,
    ],
    abilities: &["remove_any"],
};

/// The filled table.
#[derive(Debug, Clone)]
pub struct Maglev {
    settings: Settings,
    slots: Vec<u32>,
    remainder: Remainder,
}

/// Maglev over these nodes.
///
/// # Errors
/// If a weight is not 1, or the table's size is out of bounds, not prime, or below the number of nodes.
pub fn build(settings: Settings) -> Result<Box<dyn Placement>> {
    settings.refuse_weights(&CONTENDER)?;
    let size = table_size(&settings)?;
    let permutations: Vec<(u64, u64)> =
        settings.nodes.iter().map(|node| permutation(node.name.as_bytes(), size)).collect();
    let slots = populate(&permutations, size);
    Ok(Box::new(Maglev { settings, slots, remainder: Remainder::by(size) }))
}

/// Whether `number` is prime, by trial division: sizes have 27 bits.
fn is_prime(number: u64) -> bool {
    number >= 2 && (2..).take_while(|factor| factor * factor <= number).all(|factor| !number.is_multiple_of(factor))
}

fn table_size(settings: &Settings) -> Result<u64> {
    let nodes = settings.nodes.len() as u64;
    let size = settings.table_size.unwrap_or_else(|| {
        let smallest = (100 * nodes + 1..).find(|number| is_prime(*number)).expect("there is always a prime");
        smallest.max(TABLE_SIZE_DEFAULT)
    });
    if (2.max(nodes)..=TABLE_SIZE_HIGH).contains(&size) && is_prime(size) {
        return Ok(size);
    }
    Err(Error::Parameter(format!(
        "maglev: table_size is {size} for {nodes} nodes; expected a prime from {} to {TABLE_SIZE_HIGH}, such as {}",
        2.max(nodes),
        (nodes.saturating_mul(100).min(TABLE_SIZE_HIGH - 1) + 1..=TABLE_SIZE_HIGH)
            .find(|number| is_prime(*number))
            .unwrap_or(TABLE_SIZE_HIGH)
    )))
}

/// Offset and skip of a name's permutation: slot j of it is (offset + j x skip) mod size.
fn permutation(name: &[u8], size: u64) -> (u64, u64) {
    (Xxh3_64::new(0).bytes(name) % size, Xxh3_64::new(1).bytes(name) % (size - 1) + 1)
}

/// The paper's pseudocode 1: in turn, each node takes the next free slot of its permutation.
#[must_use]
#[allow(clippy::cast_possible_truncation)]
pub fn populate(permutations: &[(u64, u64)], size: u64) -> Vec<u32> {
    const FREE: u32 = u32::MAX;
    let mut slots = vec![FREE; size as usize];
    let mut next: Vec<u64> = permutations.iter().map(|(offset, _)| *offset).collect();
    let mut filled = 0;
    loop {
        for (node, (_, skip)) in permutations.iter().enumerate() {
            while slots[next[node] as usize] != FREE {
                next[node] = (next[node] + skip) % size;
            }
            slots[next[node] as usize] = node as u32;
            filled += 1;
            if filled == size {
                return slots;
            }
        }
    }
}

impl Maglev {
    fn size(&self) -> u64 {
        self.slots.len() as u64
    }
}

impl Placement for Maglev {
    fn contender(&self) -> &'static Contender {
        &CONTENDER
    }

    fn settings(&self) -> &Settings {
        &self.settings
    }

    #[inline]
    #[allow(clippy::cast_possible_truncation)]
    fn owner(&self, hash: u64) -> u32 {
        self.slots[(self.remainder.of(hash)) as usize]
    }

    fn memory_bytes(&self) -> u64 {
        size_of_val(self.slots.as_slice()) as u64
    }

    fn ownership(&self) -> Vec<f64> {
        let bits = self.settings.hash.bits();
        let mut counts = vec![0_u128; self.settings.nodes.len()];
        for (slot, owner) in (0..).zip(&self.slots) {
            counts[*owner as usize] += residue_count(slot, self.size(), bits);
        }
        counts.into_iter().map(|count| share_of_values(count, bits)).collect()
    }

    /// Tables of one size are compared slot by slot. Tables of two prime sizes are independent
    /// (Chinese remainder theorem), so that the share follows from the slots of each name.
    fn moved_share(&self, after: &dyn Placement) -> Option<f64> {
        let after = (after as &dyn Any).downcast_ref::<Self>()?;
        let (old, new) = numbered_names(self, after);
        let (kept, all) = if self.size() == after.size() {
            let pairs = self.slots.iter().zip(&after.slots);
            let kept = pairs.filter(|(a, b)| old[**a as usize] == new[**b as usize]).count();
            (kept as u64, self.size())
        } else {
            let mut counts = vec![0_u64; old.len() + new.len()];
            after.slots.iter().for_each(|owner| counts[new[*owner as usize] as usize] += 1);
            let kept = self.slots.iter().map(|owner| counts[old[*owner as usize] as usize]).sum();
            (kept, self.size() * after.size())
        };
        #[allow(clippy::cast_precision_loss)]
        Some((all - kept) as f64 / all as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::placement::movement::{moved_share, sampled_share};

    #[test]
    fn the_table_of_the_paper_is_filled_as_published() {
        // Table 1 of the paper, M = 7; permutations as offset and skip: B0 3, 4; B1 0, 2; B2 3, 1.
        assert_eq!(populate(&[(3, 4), (0, 2), (3, 1)], 7), [1, 0, 1, 0, 2, 2, 0]);
        // Without B1 (B2 is then node 1).
        assert_eq!(populate(&[(3, 4), (3, 1)], 7), [0, 0, 0, 0, 1, 1, 1]);
    }

    #[test]
    fn shares_differ_by_at_most_one_slot() {
        for count in [1, 2, 3, 10, 100] {
            let slots = 65_537_f64;
            for share in build(Settings::numbered(count)).unwrap().ownership() {
                #[allow(clippy::cast_precision_loss)]
                let wanted = 1.0 / count as f64;
                assert!((share - wanted).abs() < 1.0 / slots, "{share} of {count}");
            }
        }
    }

    #[test]
    fn the_size_is_65537_or_the_smallest_prime_above_100_times_the_nodes() {
        assert_eq!(table_size(&Settings::numbered(655)).unwrap(), 65_537);
        // 65600 is 2^6 x 5^2 x 41; 65609 is the next prime.
        assert_eq!(table_size(&Settings::numbered(656)).unwrap(), 65_609);
        let sized = |size| table_size(&Settings { table_size: Some(size), ..Settings::numbered(5) });
        assert_eq!(sized(7).unwrap(), 7);
        for wrong in [0, 1, 3, 9, TABLE_SIZE_HIGH + 2] {
            assert!(sized(wrong).unwrap_err().to_string().contains("such as 503"), "{wrong}");
        }
        assert!(is_prime(TABLE_SIZE_HIGH));
    }

    #[test]
    fn a_permutation_visits_every_slot() {
        let (offset, skip) = permutation(b"node-0", 65_537);
        let mut seen = vec![false; 65_537];
        (0..65_537).for_each(|step| seen[usize::try_from((offset + step * skip) % 65_537).unwrap()] = true);
        assert!(seen.into_iter().all(|slot| slot));
    }

    #[test]
    fn the_moved_share_is_that_of_a_sample_for_one_size_and_for_two() {
        let of = |count| build(Settings::numbered(count)).unwrap();
        for (before, after) in [(10, 11), (11, 10), (655, 656)] {
            let exact = moved_share(of(before).as_ref(), of(after).as_ref());
            let sampled = sampled_share(of(before).as_ref(), of(after).as_ref());
            assert!((exact - sampled).abs() < 0.005, "{exact} {sampled}");
        }
        let share = moved_share(of(10).as_ref(), of(11).as_ref());
        // More than the least of 1/11, but not by much.
        assert!(share > 1.0 / 11.0 && share < 0.2, "{share}");
    }
}
