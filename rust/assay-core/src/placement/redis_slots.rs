//! Redis Cluster's slots: 16,384 of them, each held by one node.
//!
//! Idea: a key's slot is the CRC-16/XMODEM of the key, or of the first tag in braces if it has one that
//! is not empty, modulo 16,384; a table says which node holds a slot. At first node i of n holds the
//! slots from ⌊i·16384/n⌋ on, or by weight. A change of nodes moves the fewest slots by which every
//! node holds its share. Cost: a CRC of the key and one load; 32 KiB of state. Choose it to know what
//! Redis Cluster does, or to steer keys by tags.
//! Source: Redis Cluster specification, "Key distribution model", "Hash tags".

use std::any::Any;
use std::collections::HashMap;

use crate::catalogue::Contender;
use crate::error::{Error, Result};
use crate::hash::HashFunction;
use crate::hash::crc16_xmodem::RedisKey;
use crate::placement::movement::numbered_names;
use crate::placement::{Node, Placement, Settings, units_of_weights};

/// The number of slots, of which every node can hold at least one.
pub const SLOTS: usize = 16_384;

/// The catalogue's entry.
pub const CONTENDER: Contender = Contender {
    room: "placement",
    name: "redis_slots",
    version: 1,
    idea: "16,384 slots by the CRC-16 of the key or of its {tag}; each is held by one node.",
    cost: "a CRC of the key and one load; 32 KiB of state",
    choose_when: "Redis Cluster is the target, or keys must be kept together by tags",
    source: "Redis Cluster specification, key distribution model and hash tags",
    parameters: &[],
    abilities: &["weights", "remove_any", "minimal_movement"],
};

/// Which node holds each slot.
#[derive(Debug, Clone)]
pub struct RedisSlots {
    settings: Settings,
    slots: Vec<u16>,
}

/// The slots of these nodes: those given, or consecutive ones.
///
/// # Errors
/// If there are more nodes than slots, or the slots given are not 16,384 positions of nodes.
pub fn build(mut settings: Settings) -> Result<Box<dyn Placement>> {
    check_count(&settings.nodes)?;
    let slots = match settings.slots.take() {
        Some(slots) => given(slots, settings.nodes.len())?,
        None => consecutive(&settings.nodes),
    };
    Ok(Box::new(RedisSlots::of(settings, slots)))
}

fn check_count(nodes: &[Node]) -> Result<()> {
    if nodes.len() <= SLOTS {
        return Ok(());
    }
    Err(Error::Parameter(format!(
        "redis_slots: there are {} nodes for {SLOTS} slots; expected at most as many: a node without slots holds nothing",
        nodes.len()
    )))
}

fn given(slots: Vec<u16>, nodes: usize) -> Result<Vec<u16>> {
    if slots.len() != SLOTS {
        return Err(Error::Parameter(format!(
            "redis_slots: slots has {} entries; expected {SLOTS}, the position of each slot's node",
            slots.len()
        )));
    }
    match slots.iter().position(|position| usize::from(*position) >= nodes) {
        None => Ok(slots),
        Some(slot) => Err(Error::Parameter(format!(
            "redis_slots: slots[{slot}] is {}; expected the position of one of the {nodes} nodes, from 0 to {}",
            slots[slot],
            nodes - 1
        ))),
    }
}

/// Each node's slots after another: up to ⌊16384 · (weights so far) / (all weights)⌋.
#[allow(clippy::cast_possible_truncation)]
fn consecutive(nodes: &[Node]) -> Vec<u16> {
    let units = units_of_weights(nodes);
    let total: u128 = units.iter().map(|unit| u128::from(*unit)).sum();
    let (mut slots, mut passed) = (Vec::with_capacity(SLOTS), 0);
    for (position, unit) in units.iter().enumerate() {
        passed += u128::from(*unit);
        slots.resize((passed * SLOTS as u128 / total) as usize, position as u16);
    }
    slots
}

/// How many slots each node is to hold: its share rounded down or up, up first for those that hold more than it
/// rounded down, lower positions first; so that the fewest move.
#[allow(clippy::cast_possible_truncation)]
fn quotas(nodes: &[Node], held: &[usize]) -> Vec<usize> {
    let units = units_of_weights(nodes);
    let total: u128 = units.iter().map(|unit| u128::from(*unit)).sum();
    let share = |unit: &u64| (u128::from(*unit) * SLOTS as u128 / total, u128::from(*unit) * SLOTS as u128 % total);
    let mut quotas: Vec<usize> = units.iter().map(|unit| share(unit).0 as usize).collect();
    let rest = SLOTS - quotas.iter().sum::<usize>();
    let (mut fuller, others): (Vec<usize>, Vec<usize>) = (0..nodes.len())
        .filter(|position| share(&units[*position]).1 > 0)
        .partition(|position| held[*position] > quotas[*position]);
    fuller.extend(others);
    fuller.iter().take(rest).for_each(|position| quotas[*position] += 1);
    quotas
}

impl RedisSlots {
    fn of(settings: Settings, slots: Vec<u16>) -> Self {
        let hash = HashFunction::RedisKey(RedisKey);
        Self { settings: Settings { hash, ..settings }, slots }
    }

    /// The position of each slot's node.
    #[must_use]
    pub fn slots(&self) -> &[u16] {
        &self.slots
    }

    /// The slots on other nodes: a node that stays keeps its slots, a new one at the place of one that went takes them over,
    /// and then the fewest move by which each holds its share. Who holds too many gives the last ones; they go, in
    /// order, to those that hold too few, in the order of the nodes.
    #[allow(clippy::cast_possible_truncation)]
    fn moved_to(&self, nodes: &[Node]) -> Vec<u16> {
        let old = &self.settings.nodes;
        let places: HashMap<&str, usize> = nodes.iter().map(|node| node.name.as_str()).zip(0..).collect();
        let known: HashMap<&str, usize> = old.iter().map(|node| node.name.as_str()).zip(0..).collect();
        let newcomer =
            |position: usize| nodes.get(position).is_some_and(|node| !known.contains_key(node.name.as_str()));
        let heir: Vec<Option<usize>> = old
            .iter()
            .enumerate()
            .map(|(position, node)| {
                places.get(node.name.as_str()).copied().or_else(|| newcomer(position).then_some(position))
            })
            .collect();
        let mut owners: Vec<Option<usize>> = self.slots.iter().map(|position| heir[usize::from(*position)]).collect();
        let mut held = vec![0; nodes.len()];
        owners.iter().flatten().for_each(|position| held[*position] += 1);
        let quotas = quotas(nodes, &held);
        for owner in owners.iter_mut().rev() {
            if let Some(position) = *owner
                && held[position] > quotas[position]
            {
                held[position] -= 1;
                *owner = None;
            }
        }
        let mut wanting = 0;
        let free = owners.into_iter().map(|owner| {
            owner.unwrap_or_else(|| {
                while held[wanting] >= quotas[wanting] {
                    wanting += 1;
                }
                held[wanting] += 1;
                wanting
            })
        });
        free.map(|position| position as u16).collect()
    }
}

impl Placement for RedisSlots {
    fn contender(&self) -> &'static Contender {
        &CONTENDER
    }

    fn settings(&self) -> &Settings {
        &self.settings
    }

    #[inline]
    #[allow(clippy::cast_possible_truncation)]
    fn owner(&self, hash: u64) -> u32 {
        u32::from(self.slots[hash as usize & (SLOTS - 1)])
    }

    fn memory_bytes(&self) -> u64 {
        size_of_val(self.slots.as_slice()) as u64
    }

    #[allow(clippy::cast_precision_loss)]
    fn ownership(&self) -> Vec<f64> {
        let mut counts = vec![0_u32; self.settings.nodes.len()];
        self.slots.iter().for_each(|owner| counts[usize::from(*owner)] += 1);
        counts.into_iter().map(|count| f64::from(count) / SLOTS as f64).collect()
    }

    /// Exact: each slot has four of the 65,536 checksums.
    #[allow(clippy::cast_precision_loss)]
    fn moved_share(&self, after: &dyn Placement) -> Option<f64> {
        let after = (after as &dyn Any).downcast_ref::<Self>()?;
        let (old, new) = numbered_names(self, after);
        let pairs = self.slots.iter().zip(&after.slots);
        let moved = pairs.filter(|(a, b)| old[usize::from(**a)] != new[usize::from(**b)]).count();
        Some(moved as f64 / SLOTS as f64)
    }

    fn with_nodes(&self, settings: Settings) -> Option<Result<Box<dyn Placement>>> {
        Some(check_count(&settings.nodes).map(|()| -> Box<dyn Placement> {
            let slots = self.moved_to(&settings.nodes);
            Box::new(Self::of(settings, slots))
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::{Keys, Values};
    use crate::placement::tests::weighted;
    use crate::placement::{changed, lookup};
    use proptest::prelude::*;

    fn slots(placement: &dyn Placement) -> &[u16] {
        (placement as &dyn Any).downcast_ref::<RedisSlots>().unwrap().slots()
    }

    fn counts(placement: &dyn Placement) -> Vec<usize> {
        let mut counts = vec![0; placement.nodes().len()];
        slots(placement).iter().for_each(|owner| counts[usize::from(*owner)] += 1);
        counts
    }

    #[test]
    fn node_i_of_n_holds_the_slots_from_i_16384_over_n_on() {
        let placement = build(Settings::numbered(3)).unwrap();
        // ⌊16384 / 3⌋ = 5461, ⌊2 · 16384 / 3⌋ = 10922: the ranges of redis-cli.
        let owner = |slot| placement.owner(slot);
        assert_eq!([0, 5460, 5461, 10921, 10922, 16383].map(owner), [0, 0, 1, 1, 2, 2]);
        assert_eq!(placement.owner(16_384 + 5_461), 1, "the upper bits of the checksum say nothing");
        assert_eq!(counts(build(weighted(&[1.0, 3.0])).unwrap().as_ref()), [4_096, 12_288]);
    }

    #[test]
    fn keys_with_one_tag_live_together() {
        let placement = build(Settings::numbered(16)).unwrap();
        let text = "{user1000}.following{user1000}.followersuser1000";
        let keys = Keys::new(Values::Bytes32 { offsets: &[0, 20, 40, 48], data: text.as_bytes() }, None, 3).unwrap();
        let mut out = [9; 3];
        lookup(placement.as_ref(), &[keys], 1, &mut out).unwrap();
        assert_eq!(out, [3_443 * 16 / 16_384; 3]);
    }

    #[test]
    fn a_node_more_takes_the_last_slots_of_those_that_hold_too_many() {
        let two = build(Settings::numbered(2)).unwrap();
        let three = changed(two.as_ref(), Settings::numbered(3)).unwrap();
        // Shares are 5461⅓: the one slot that is left over stays with node 0, which holds 8192.
        assert_eq!(counts(three.as_ref()), [5_462, 5_461, 5_461]);
        assert_eq!(slots(three.as_ref())[5_461..5_463], [0, 2]);
        assert_eq!(slots(three.as_ref())[8_191..8_193], [2, 1]);
        assert_eq!(two.moved_share(three.as_ref()).unwrap(), 5_461.0 / 16_384.0);
    }

    #[test]
    fn a_new_name_in_the_place_of_an_old_one_takes_over_its_slots() {
        let before = build(Settings::numbered(3)).unwrap();
        let mut settings = Settings::numbered(3);
        settings.nodes[2].name = "node-3".to_owned();
        let after = changed(before.as_ref(), settings).unwrap();
        assert_eq!(slots(before.as_ref()), slots(after.as_ref()));
        assert_eq!(before.moved_share(after.as_ref()).unwrap(), 5_462.0 / 16_384.0);
    }

    #[test]
    fn slots_that_are_not_positions_of_nodes_are_refused() {
        let given = |slots: Vec<u16>| build(Settings { slots: Some(slots), ..Settings::numbered(2) });
        let message = |slots| given(slots).err().expect("this must be refused").to_string();
        assert!(message(vec![0; 9]).contains("slots has 9 entries; expected 16384"));
        assert!(message(vec![2; SLOTS]).contains("slots[0] is 2"));
        assert_eq!(counts(given(vec![1; SLOTS]).unwrap().as_ref()), [0, SLOTS]);
        assert!(build(Settings::numbered(SLOTS)).is_ok());
        assert!(
            build(Settings::numbered(SLOTS + 1)).err().unwrap().to_string().contains("16385 nodes for 16384 slots")
        );
    }

    proptest! {
        #[test]
        fn the_fewest_slots_move_and_every_node_holds_its_share(
            before in proptest::collection::vec(1_u32..9, 1..20), after in proptest::collection::vec(1_u32..9, 1..20),
        ) {
            let of = |weights: &[u32]| weighted(&weights.iter().map(|weight| f64::from(*weight)).collect::<Vec<_>>());
            let old = build(of(&before)).unwrap();
            let new = changed(old.as_ref(), of(&after)).unwrap();
            let total: u32 = after.iter().sum();
            let (had, has) = (counts(old.as_ref()), counts(new.as_ref()));
            for (weight, count) in after.iter().zip(&has) {
                let share = f64::from(*weight) * 16_384.0 / f64::from(total);
                prop_assert!((f64::from(u32::try_from(*count).unwrap()) - share).abs() < 1.0);
            }
            // What must move is what nodes hold above what they are to hold; that, and no slot more, moves.
            let must: usize = had.iter().enumerate().map(|(at, had)| had.saturating_sub(*has.get(at).unwrap_or(&0))).sum();
            let moved = slots(old.as_ref()).iter().zip(slots(new.as_ref())).filter(|(a, b)| a != b).count();
            prop_assert_eq!(moved, must);
        }
    }
}
