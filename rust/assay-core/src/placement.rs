//! The room of placements: which node holds a key.
//!
//! A placement maps the hash value of a key to the position of a node. What sets the contenders
//! apart is what happens when nodes come, go or differ in weight; the cost is in nanoseconds a
//! lookup and bytes of routing state. Every placement takes hash values exactly as its own
//! [`Placement::hash_function`] gives them, so that several placements share one hashed column.

pub mod anchor;
pub mod bounded_loads;
pub mod buckets;
pub mod jump;
pub mod maglev;
pub mod memento;
pub mod modulo;
pub mod movement;
pub mod multi_probe;
pub mod racks;
pub mod redis_slots;
mod remainder;
pub mod rendezvous;
pub mod ring;

use std::any::Any;
use std::collections::HashSet;

use crate::capacity::units;
use crate::catalogue::{Contender, Domain, Parameter};
use crate::error::{Error, Result};
use crate::hash::{self, HashFunction, hash_block, hash_keys};
use crate::keys::{Keys, Values};
use crate::memory;
use crate::placement::buckets::Buckets;
use crate::threads;

/// Makes a placement from its settings.
type Build = fn(Settings) -> Result<Box<dyn Placement>>;

/// All contenders of this room, each with the function that builds it.
pub const TABLE: &[(&Contender, Build)] = &[
    (&modulo::CONTENDER, modulo::build),
    (&ring::CONTENDER, ring::build),
    (&jump::CONTENDER, jump::build),
    (&rendezvous::CONTENDER, rendezvous::build),
    (&maglev::CONTENDER, maglev::build),
    (&redis_slots::CONTENDER, redis_slots::build),
    (&multi_probe::CONTENDER, multi_probe::build),
    (&bounded_loads::CONTENDER, bounded_loads::build),
    (&anchor::CONTENDER, anchor::build),
    (&memento::CONTENDER, memento::build),
];

/// The ability of placements whose node of a key depends on which others there are: see [`Placement::of_keys`].
pub const DEPENDS_ON_ALL_KEYS: &str = "depends_on_all_keys";

/// The least weight of a node: products and quotients of weights must be numbers.
pub const WEIGHT_LOW: f64 = 1e-100;
/// The greatest weight of a node.
pub const WEIGHT_HIGH: f64 = 1e100;

/// One node: what holds keys.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Its name, which is hashed; two nodes of a placement never share one.
    pub name: String,
    /// Its capacity relative to the others, from [`WEIGHT_LOW`] to [`WEIGHT_HIGH`].
    pub weight: f64,
    /// What fails together with it; None means that it fails alone.
    pub rack: Option<String>,
}

impl Node {
    /// A node of weight 1 without a rack.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), weight: 1.0, rack: None }
    }
}

/// All that a placement is built from.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The nodes; a placement answers with positions in this list.
    pub nodes: Vec<Node>,
    /// The function, with its seed, that hashes keys, and ring points too.
    pub hash: HashFunction,
    /// Points on a circle per node of weight 1; None lets the contender decide.
    pub virtual_nodes: Option<u64>,
    /// Probes of a key; None lets the contender decide.
    pub probes: Option<u64>,
    /// How far loads may be above their share, as a part of it; None lets the contender decide.
    pub epsilon: Option<f64>,
    /// Buckets of an anchor; None lets the number of nodes decide.
    pub capacity: Option<u64>,
    /// The buckets of the nodes of Anchor or Memento after changes; None lets them have the first ones.
    pub buckets: Option<Buckets>,
    /// Slots of a Maglev table, a prime; None lets the number of nodes decide.
    pub table_size: Option<u64>,
    /// The position of each Redis slot's node; None lets nodes hold consecutive slots.
    pub slots: Option<Vec<u16>>,
}

impl Settings {
    /// These nodes with the default of everything else: `xxh3_64` with seed 0.
    ///
    /// # Panics
    /// Never: the default hash function exists.
    #[must_use]
    pub fn new(nodes: Vec<Node>) -> Self {
        let hash = HashFunction::parse("xxh3_64", 0).expect("the default hash function exists");
        Self {
            nodes,
            hash,
            virtual_nodes: None,
            probes: None,
            epsilon: None,
            capacity: None,
            buckets: None,
            table_size: None,
            slots: None,
        }
    }

    /// The nodes `node-0 ... node-{count-1}`, as strategies name them.
    #[must_use]
    pub fn numbered(count: usize) -> Self {
        Self::new((0..count).map(|position| Node::new(format!("node-{position}"))).collect())
    }

    /// The same with another hash function.
    #[must_use]
    pub fn with_hash(mut self, hash: HashFunction) -> Self {
        self.hash = hash;
        self
    }

    /// The same with another number of virtual nodes.
    #[must_use]
    pub fn with_virtual_nodes(mut self, virtual_nodes: u64) -> Self {
        self.virtual_nodes = Some(virtual_nodes);
        self
    }

    /// Whether all nodes weigh the same.
    #[must_use]
    pub fn weights_are_equal(&self) -> bool {
        self.nodes.windows(2).all(|pair| pair[0].weight.total_cmp(&pair[1].weight).is_eq())
    }

    fn check(&self) -> Result<()> {
        if self.nodes.is_empty() {
            return Err(Error::Parameter("nodes is empty; expected at least one node".to_owned()));
        }
        if u32::try_from(self.nodes.len()).is_err() {
            return Err(Error::Parameter(format!(
                "there are {} nodes; expected at most {}, since positions are 32 bits",
                self.nodes.len(),
                u32::MAX
            )));
        }
        let mut names = HashSet::with_capacity(self.nodes.len());
        for (position, node) in self.nodes.iter().enumerate() {
            if !names.insert(node.name.as_str()) {
                return Err(Error::Parameter(format!(
                    "nodes[{position}] is \"{}\", which is there twice; expected distinct names: give each node its own",
                    node.name
                )));
            }
            if !(WEIGHT_LOW..=WEIGHT_HIGH).contains(&node.weight) {
                return Err(Error::Parameter(format!(
                    "the weight of node \"{}\" is {:?}; expected a number above 0, from {WEIGHT_LOW:e} to \
                     {WEIGHT_HIGH:e}: leave out a node that is to hold nothing",
                    node.name, node.weight
                )));
            }
        }
        Ok(())
    }

    /// Refuses weights other than 1 for a contender that has no use for them.
    fn refuse_weights(&self, contender: &Contender) -> Result<()> {
        match self.nodes.iter().find(|node| node.weight.total_cmp(&1.0).is_ne()) {
            None => Ok(()),
            Some(node) => Err(Error::Parameter(format!(
                "{} cannot weigh nodes, but the weight of \"{}\" is {}; expected 1: choose ring or rendezvous, or give \
                 a stronger machine several names",
                contender.name, node.name, node.weight
            ))),
        }
    }
}

/// Which node holds a key, by the key's hash value.
///
/// Hash values are those of [`Placement::hash_function`] as [`hash_keys`] writes them: a 32-bit
/// function's in the low 32 bits, a 16-bit one's in the low 16.
pub trait Placement: Any + Send + Sync {
    /// The catalogue's entry.
    fn contender(&self) -> &'static Contender;

    /// What it was built from.
    fn settings(&self) -> &Settings;

    /// The position of the node that holds the key of this hash value.
    fn owner(&self, hash: u64) -> u32;

    /// Bytes that lookups read beside the key; the names of the nodes do not count.
    fn memory_bytes(&self) -> u64;

    /// The share of the hash space of each node, in order; shares add up to 1. Exact for ring,
    /// Maglev and modulo; an expectation over keys for jump and rendezvous.
    fn ownership(&self) -> Vec<f64>;

    /// The share of keys whose node has another name in `after`, if `after` is of the same kind and
    /// hashes alike; else None. [`movement::moved_share`] answers for any two.
    fn moved_share(&self, after: &dyn Placement) -> Option<f64>;

    /// The placement on the nodes of `settings`, if what it becomes depends on what it was; None: it is
    /// built anew. [`changed`] answers for any placement.
    fn with_nodes(&self, _settings: Settings) -> Option<Result<Box<dyn Placement>>> {
        None
    }

    /// The placement of these very keys, by their hash values, if the node of a key depends on which others there are;
    /// None: it depends on the key alone. Their order and how often they occur are the same to it.
    fn of_keys(&self, _hashes: &mut Vec<u64>) -> Option<Box<dyn Placement>> {
        None
    }

    /// The nodes; owners are positions in it.
    fn nodes(&self) -> &[Node] {
        &self.settings().nodes
    }

    /// The function whose hash values this placement takes.
    fn hash_function(&self) -> HashFunction {
        self.settings().hash
    }

    /// The owner of each hash value. The loop is compiled once per contender.
    ///
    /// # Panics
    /// If `hashes` and `out` differ in length.
    fn owners(&self, hashes: &[u64], out: &mut [u32]) {
        assert_eq!(hashes.len(), out.len(), "one owner per hash value");
        for (hash, slot) in hashes.iter().zip(out) {
            *slot = self.owner(*hash);
        }
    }

    /// Distinct nodes for each hash value, `count` after `count`: the owner first, then on unseen
    /// racks, then the nodes that were skipped for their rack, in their order.
    ///
    /// # Errors
    /// If the contender has no replicas, or there are fewer nodes than `count`.
    fn replicas(&self, hashes: &[u64], count: usize, out: &mut [u32]) -> Result<()> {
        let _ = (hashes, count, out);
        Err(Error::Parameter(format!(
            "{} places each key on one node only and defines no replicas; choose ring or rendezvous",
            self.contender().name
        )))
    }
}

/// The placement of this name.
///
/// # Errors
/// If the name is unknown, or the settings do not suit it; the message says which and why.
pub fn build(name: &str, settings: Settings) -> Result<Box<dyn Placement>> {
    let (_, build) = TABLE.iter().find(|(contender, _)| contender.name == name).ok_or_else(|| Error::UnknownName {
        thing: "placement",
        name: name.to_owned(),
        known: TABLE.iter().map(|(contender, _)| contender.name).collect::<Vec<_>>().join(", "),
    })?;
    settings.check()?;
    build(settings)
}

/// What a placement becomes on the nodes of `settings`, of which all else is as it was built.
///
/// # Errors
/// If the nodes do not suit it.
pub fn changed(before: &dyn Placement, settings: Settings) -> Result<Box<dyn Placement>> {
    settings.check()?;
    match before.with_nodes(settings.clone()) {
        Some(after) => after,
        None => build(before.contender().name, settings),
    }
}

/// Weights as whole numbers in their proportions.
pub(crate) fn units_of_weights(nodes: &[Node]) -> Vec<u64> {
    units(&nodes.iter().map(|node| node.weight).collect::<Vec<_>>())
}

/// Hash values of keys for [`Placement::owners`]; several columns are one compound key, and a null
/// key has the value 0.
///
/// # Errors
/// If the placement's hash function cannot take these columns.
pub fn hash_values(placement: &dyn Placement, columns: &[Keys<'_>], threads: usize) -> Result<Vec<u64>> {
    let mut hashes = memory::zeros(columns.first().map_or(0, Keys::len));
    hash_keys(columns, placement.hash_function(), threads, 0, &mut hashes)?;
    Ok(hashes)
}

/// Keys that are hashed at once before their owners are looked up: their hash values stay in the nearest cache.
const KEYS_AT_ONCE: usize = 2048;

/// The owner of each key, on at most `threads` threads. What a null key gets means nothing.
///
/// # Errors
/// If the placement's hash function cannot take these columns.
///
/// # Panics
/// If `out` is not as long as the columns.
pub fn lookup(placement: &dyn Placement, columns: &[Keys<'_>], threads: usize, out: &mut [u32]) -> Result<()> {
    assert_eq!(columns.first().map_or(0, Keys::len), out.len(), "one owner per key");
    let function = placement.hash_function();
    hash_block(columns, function, 0, 0, &mut [])?;
    if let [column] = columns
        && let Values::Dictionary { indices, values } = column.values()
        && values.len() <= column.len()
    {
        let mut owners = memory::zeros(values.len());
        lookup(placement, std::slice::from_ref(values), threads, &mut owners)?;
        threads::fill(out, threads, |first, part| {
            for (row, slot) in (first..).zip(part) {
                *slot = if column.is_null(row) { 0 } else { owners[indices.get(row)] };
            }
        });
        return Ok(());
    }
    threads::fill(out, threads, |first, part| {
        let mut hashes = [0; KEYS_AT_ONCE];
        for (index, owners) in part.chunks_mut(KEYS_AT_ONCE).enumerate() {
            let hashes = &mut hashes[..owners.len()];
            hash_block(columns, function, first + index * KEYS_AT_ONCE, 0, hashes).expect("the columns were checked");
            placement.owners(hashes, owners);
        }
    });
    Ok(())
}

/// The replicas of each key, `count` after `count`, on at most `threads` threads. What a null key
/// gets means nothing.
///
/// # Errors
/// If the placement has no replicas or too few nodes, or its hash function cannot take the columns.
pub fn replicas(placement: &dyn Placement, columns: &[Keys<'_>], count: usize, threads: usize) -> Result<Vec<u32>> {
    placement.replicas(&[], count, &mut [])?;
    let hashes = hash_values(placement, columns, threads)?;
    let parts = threads::map(hashes.len(), threads, |range| {
        let mut out = vec![0; range.len() * count];
        placement.replicas(&hashes[range], count, &mut out).map(|()| out)
    });
    Ok(parts.into_iter().collect::<Result<Vec<_>>>()?.concat())
}

/// Checks the `count` of replicas against the number of nodes.
pub(crate) fn check_replicas(nodes: &[Node], count: usize) -> Result<()> {
    if (1..=nodes.len()).contains(&count) {
        return Ok(());
    }
    Err(Error::Parameter(format!(
        "count is {count}, but there are {} nodes; expected from 1 to {}, since replicas are on distinct nodes",
        nodes.len(),
        nodes.len()
    )))
}

/// How many values of `bits` bits leave this residue modulo `modulus`.
pub(crate) fn residue_count(residue: u64, modulus: u64, bits: u32) -> u128 {
    let values = 1_u128 << bits;
    let (each, more) = (values / u128::from(modulus), values % u128::from(modulus));
    each + u128::from(u128::from(residue) < more)
}

/// A number of values of `bits` bits as a share of all.
#[allow(clippy::cast_precision_loss)]
pub(crate) fn share_of_values(count: u128, bits: u32) -> f64 {
    count as f64 / (1_u128 << bits) as f64
}

const HASH_NAMES: [&str; hash::CONTENDERS.len()] = {
    let mut names = [""; hash::CONTENDERS.len()];
    let mut index = 0;
    while index < names.len() {
        names[index] = hash::CONTENDERS[index].name;
        index += 1;
    }
    names
};

/// The parameter `hash`, alike for all.
pub(crate) const HASH: Parameter = Parameter {
    name: "hash",
    default: "xxh3_64",
    domain: Domain::Choice(&HASH_NAMES),
    meaning: "the function that hashes keys, and the points of a ring",
};

/// The parameter `seed`, alike for all.
pub(crate) const SEED: Parameter = Parameter {
    name: "seed",
    default: "0",
    domain: Domain::Integer { low: 0, high: u64::MAX >> 1 },
    meaning: "the seed of the hash function; 0 for functions that take none",
};

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Well-mixed values that stand for hashes.
    pub(crate) fn values(count: u64) -> Vec<u64> {
        (0..count).map(|index| movement::sample_value(index.wrapping_add(1 << 40))).collect()
    }

    /// Nodes `node-0 ...` with these weights.
    pub(crate) fn weighted(weights: &[f64]) -> Settings {
        let mut settings = Settings::numbered(weights.len());
        for (node, weight) in settings.nodes.iter_mut().zip(weights) {
            node.weight = *weight;
        }
        settings
    }

    fn message(name: &str, settings: Settings) -> String {
        match build(name, settings) {
            Ok(_) => panic!("{name} was built"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn every_contender_is_built_from_its_name_and_answers_with_positions() {
        for (contender, _) in TABLE {
            assert_eq!(contender.room, "placement");
            for count in [1, 2, 7] {
                let placement = build(contender.name, Settings::numbered(count)).unwrap();
                assert_eq!(placement.contender().name, contender.name);
                let hashes = values(2_000);
                let mut out = vec![u32::MAX; hashes.len()];
                placement.owners(&hashes, &mut out);
                let mut loads = vec![0_u32; count];
                out.iter().for_each(|owner| loads[*owner as usize] += 1);
                assert!(loads.iter().all(|load| *load > 0), "{}: {loads:?}", contender.name);
                let shares = placement.ownership();
                assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-12, "{shares:?}");
            }
        }
    }

    #[test]
    fn a_lookup_of_keys_is_the_owner_of_their_hash_on_any_number_of_threads() {
        let words = values(100_000);
        let keys = [Keys::from_words(&words)];
        for (contender, _) in TABLE {
            let placement = build(contender.name, Settings::numbered(5)).unwrap();
            let mut once = vec![0; words.len()];
            lookup(placement.as_ref(), &keys, 1, &mut once).unwrap();
            let mut twice = vec![0; words.len()];
            lookup(placement.as_ref(), &keys, 3, &mut twice).unwrap();
            assert_eq!(once, twice);
            assert_eq!(once[17], placement.owner(placement.hash_function().word(words[17])));
        }
    }

    #[test]
    fn bad_settings_are_refused_with_what_was_met_and_what_is_wanted() {
        assert!(message("rung", Settings::numbered(2)).contains("ring"));
        for (contender, _) in TABLE {
            assert!(message(contender.name, Settings::numbered(0)).contains("at least one node"));
            let mut twice = Settings::numbered(3);
            twice.nodes[2].name = "node-0".to_owned();
            assert!(message(contender.name, twice).contains("nodes[2] is \"node-0\""));
            for weight in [0.0, -1.0, f64::NAN, f64::INFINITY, f64::MAX, f64::from_bits(1)] {
                assert!(message(contender.name, weighted(&[1.0, weight])).contains("weight of node \"node-1\""));
            }
            if !contender.can("weights") {
                assert!(message(contender.name, weighted(&[1.0, 2.0])).contains("cannot weigh nodes"));
            }
        }
    }

    #[test]
    fn a_contender_without_replicas_says_so() {
        for (contender, _) in TABLE {
            let placement = build(contender.name, Settings::numbered(3)).unwrap();
            let mut out = [9; 2];
            assert_eq!(placement.replicas(&[5], 2, &mut out).is_ok(), contender.can("replicas"));
            if contender.can("replicas") {
                assert_eq!(out[0], placement.owner(5));
                assert!(placement.replicas(&[5], 4, &mut [0; 4]).unwrap_err().to_string().contains("from 1 to 3"));
                assert!(placement.replicas(&[], 0, &mut []).is_err());
            }
        }
    }

    #[test]
    fn residues_add_up_to_all_values() {
        // 2^32 mod 7 = 4: the first four classes hold one value more.
        assert_eq!((0..7).map(|residue| residue_count(residue, 7, 32)).sum::<u128>(), 1 << 32);
        assert_eq!(residue_count(3, 7, 32), residue_count(4, 7, 32) + 1);
    }
}
