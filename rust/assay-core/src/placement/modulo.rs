//! Modulo: the hash value's remainder by the number of nodes.
//!
//! Idea: `hash mod n`. Cost: one division, no state. Choose it only if the number of nodes never
//! changes: one node more moves n/(n+1) of all keys. Source: folklore; Knuth, "The Art of Computer
//! Programming" 3, 6.4 (division method).

use std::any::Any;
use std::collections::HashMap;

use crate::catalogue::Contender;
use crate::error::Result;
use crate::placement::remainder::Remainder;
use crate::placement::{HASH, Placement, SEED, Settings, residue_count, share_of_values};

/// The catalogue's entry.
pub const CONTENDER: Contender = Contender {
    room: "placement",
    name: "modulo",
    version: 1,
    idea: "The remainder of the hash value by the number of nodes.",
    cost: "one division per key; no state",
    choose_when: "the number of nodes never changes",
    source: "Knuth, The Art of Computer Programming 3, section 6.4",
    parameters: &[HASH, SEED],
    abilities: &["remove_any"],
};

/// The remainder by the number of nodes.
#[derive(Debug, Clone)]
pub struct Modulo {
    settings: Settings,
    count: u64,
    remainder: Remainder,
}

/// Modulo over these nodes.
///
/// # Errors
/// If a weight is not 1.
pub fn build(settings: Settings) -> Result<Box<dyn Placement>> {
    settings.refuse_weights(&CONTENDER)?;
    let count = settings.nodes.len() as u64;
    Ok(Box::new(Modulo { settings, count, remainder: Remainder::by(count) }))
}

fn greatest_common_divisor(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

impl Placement for Modulo {
    fn contender(&self) -> &'static Contender {
        &CONTENDER
    }

    fn settings(&self) -> &Settings {
        &self.settings
    }

    #[inline]
    #[allow(clippy::cast_possible_truncation)]
    fn owner(&self, hash: u64) -> u32 {
        self.remainder.of(hash) as u32
    }

    fn memory_bytes(&self) -> u64 {
        size_of::<u64>() as u64
    }

    fn ownership(&self) -> Vec<f64> {
        let bits = self.settings.hash.bits();
        (0..self.count).map(|residue| share_of_values(residue_count(residue, self.count, bits), bits)).collect()
    }

    /// Remainders i by n and j by m meet in one class modulo lcm(n, m) if they agree modulo
    /// gcd(n, m), else never; all classes are of one size (but for the last, partial cycle, at most
    /// lcm values of all).
    fn moved_share(&self, after: &dyn Placement) -> Option<f64> {
        let after = (after as &dyn Any).downcast_ref::<Self>()?;
        let divisor = greatest_common_divisor(self.count, after.count);
        let classes = u128::from(self.count / divisor) * u128::from(after.count);
        let places: HashMap<&str, u64> = after.settings.nodes.iter().map(|node| node.name.as_str()).zip(0..).collect();
        let kept = (0_u64..)
            .zip(&self.settings.nodes)
            .filter(|(i, node)| places.get(node.name.as_str()).is_some_and(|j| i % divisor == j % divisor))
            .count();
        #[allow(clippy::cast_precision_loss)]
        Some((classes - kept as u128) as f64 / classes as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::placement::movement::moved_share;

    fn of(count: usize) -> Box<dyn Placement> {
        build(Settings::numbered(count)).unwrap()
    }

    #[test]
    fn one_node_more_moves_exactly_n_of_n_plus_1() {
        for count in 1..40_u32 {
            let share = moved_share(of(count as usize).as_ref(), of(count as usize + 1).as_ref());
            assert_eq!(share, f64::from(count) / f64::from(count + 1));
        }
    }

    #[test]
    fn twice_the_nodes_move_half_of_the_keys() {
        assert_eq!(moved_share(of(6).as_ref(), of(12).as_ref()), 0.5);
        assert_eq!(moved_share(of(6).as_ref(), of(6).as_ref()), 0.0);
    }

    #[test]
    fn the_moved_share_is_that_of_counting_all_remainders() {
        // Over one cycle of lcm(6, 9) = 18 values; the second list names its nodes in reverse.
        let before = of(6);
        let mut settings = Settings::numbered(9);
        settings.nodes.reverse();
        let after = build(settings).unwrap();
        let name = |placement: &dyn Placement, hash| placement.nodes()[placement.owner(hash) as usize].name.clone();
        let moved = (0..18).filter(|hash| name(before.as_ref(), *hash) != name(after.as_ref(), *hash)).count();
        assert_eq!(moved_share(before.as_ref(), after.as_ref()), f64::from(u32::try_from(moved).unwrap()) / 18.0);
    }
}
