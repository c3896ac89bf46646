//! Ring: consistent hashing with virtual nodes.
//!
//! Idea: nodes and keys are hashed onto one circle; a key belongs to the first point clockwise. A
//! node has many points, so that shares even out (CV = sqrt((n-1)/(nV+1)) with V points each) and
//! many nodes give to a newcomer. Cost: 2 to 5 ns a lookup with the index, 20 to 28 bytes a point.
//! Choose it for weighted or racked nodes, replicas, and membership that changes anywhere.
//! Source: Karger et al. 1997, "Consistent Hashing and Random Trees"; DeCandia et al. 2007, Dynamo.

use std::any::Any;
use std::collections::HashMap;

use crate::catalogue::{Contender, Domain, Parameter};
use crate::error::{Error, Result};
use crate::hash::{HashFunction, hash_keys};
use crate::keys::{Keys, Values};
use crate::memory;
use crate::placement::movement::{self, CIRCLE};
use crate::placement::racks::Racks;
use crate::placement::{HASH, Placement, SEED, Settings, check_replicas};

/// Points per node of weight 1, if none are given.
pub const VIRTUAL_NODES_DEFAULT: u64 = 128;

/// The most points per node of weight 1.
pub const VIRTUAL_NODES_HIGH: u64 = 1_000_000;

/// The most points of one ring: 2^27, which is 2.6 GB of state.
pub const POINTS_HIGH: usize = 1 << 27;

/// Names of points that are held to be hashed at once.
const POINTS_AT_ONCE: usize = 1 << 12;

/// The catalogue's entry.
pub const CONTENDER: Contender = Contender {
    room: "placement",
    name: "ring",
    version: 1,
    idea: "Nodes have many points on a circle of hash values; a key belongs to the first point clockwise.",
    cost: "2 to 5 ns per key; 20 to 28 bytes per virtual node",
    choose_when: "nodes differ in weight or rack, hold replicas, or come and go in any order",
    source: "Karger et al. 1997, Consistent Hashing and Random Trees; DeCandia et al. 2007, Dynamo",
    parameters: &[
        Parameter {
            name: "virtual_nodes",
            default: "128",
            domain: Domain::Integer { low: 1, high: VIRTUAL_NODES_HIGH },
            meaning: "points on the ring per node of weight 1",
        },
        HASH,
        SEED,
    ],
    abilities: &["weights", "replicas", "racks", "remove_any", "minimal_movement"],
};

/// Points in order, with an index on their top bits.
///
/// All values are those of the hash function in the upper bits of 64: a hash of 32 or 16 bits is shifted left,
/// which keeps the order on the circle and every arc's share.
#[derive(Debug, Clone)]
pub struct Ring {
    settings: Settings,
    racks: Racks,
    /// By how much hash values are shifted left: 0, 32 or 48.
    shift: u32,
    /// Values of the points in order, and a sentinel above all hashes.
    points: Vec<u64>,
    /// The node of each point; the sentinel's is the first point's.
    owners: Vec<u32>,
    /// For each value of the top bits, the first point that is not below it.
    index: Vec<u32>,
    /// How far a value is shifted right to leave its top bits.
    index_shift: u32,
}

/// The ring of these nodes.
///
/// # Errors
/// If the number of virtual nodes is outside its bounds, or the ring would have too many points.
pub fn build(settings: Settings) -> Result<Box<dyn Placement>> {
    Ok(Box::new(Ring::new(settings)?))
}

impl Ring {
    /// The ring of these nodes.
    ///
    /// # Errors
    /// If the number of virtual nodes is outside its bounds, or the ring would have too many points.
    pub fn new(settings: Settings) -> Result<Self> {
        let counts = point_counts(&settings)?;
        let shift = 64 - settings.hash.bits();
        let values = point_values(&settings, &counts)?;
        let (mut points, mut owners, index, index_shift) = sorted_with_index(&values, &counts, shift);
        points[values.len()] = u64::MAX;
        owners[values.len()] = owners[0];
        let racks = Racks::new(&settings.nodes);
        Ok(Self { settings, racks, shift, points, owners, index, index_shift })
    }

    /// The ring of other nodes: the points of those that stay are taken over, and those of others are hashed and merged in.
    ///
    /// # Errors
    /// As of [`Self::new`].
    pub fn changed(&self, settings: Settings) -> Result<Self> {
        const GONE: u32 = u32::MAX;
        let counts = point_counts(&settings)?;
        let had = self.counts();
        let places: HashMap<&str, usize> = self.settings.nodes.iter().map(|node| node.name.as_str()).zip(0..).collect();
        let mut moved_to = vec![GONE; had.len()];
        let mut fresh = Settings { nodes: Vec::new(), ..settings.clone() };
        let (mut fresh_counts, mut fresh_positions) = (Vec::new(), Vec::new());
        for ((position, node), count) in (0_u32..).zip(&settings.nodes).zip(&counts) {
            match places.get(node.name.as_str()).filter(|old| had[**old] == *count) {
                Some(old) => moved_to[*old] = position,
                None => {
                    fresh.nodes.push(node.clone());
                    fresh_counts.push(*count);
                    fresh_positions.push(position);
                }
            }
        }
        let values = point_values(&fresh, &fresh_counts)?;
        let owners = fresh_positions.iter().zip(&fresh_counts).flat_map(|(at, count)| std::iter::repeat_n(*at, *count));
        let mut added: Vec<(u64, u32)> = values.iter().map(|value| value << self.shift).zip(owners).collect();
        added.sort_unstable();
        let total: usize = counts.iter().sum();
        let (mut points, mut owners) = (Vec::with_capacity(total + 1), Vec::with_capacity(total + 1));
        let mut added = added.as_slice();
        for (point, old) in self.points.iter().zip(self.owners_of_points()) {
            let owner = moved_to[*old as usize];
            if owner == GONE {
                continue; // before it is compared: a node that stays may have a point of the same value
            }
            while let [(new, position), rest @ ..] = added
                && (*new, *position) < (*point, owner)
            {
                points.push(*new);
                owners.push(*position);
                added = rest;
            }
            points.push(*point);
            owners.push(owner);
        }
        points.extend(added.iter().map(|(new, _)| *new));
        owners.extend(added.iter().map(|(_, position)| *position));
        if !moved_to.iter().filter(|position| **position != GONE).is_sorted() {
            sort_owners_of_equal_points(&points, &mut owners);
        }
        let index_shift = 64 - index_bits(total);
        let mut index: Vec<u32> = Vec::with_capacity(1 << index_bits(total));
        for (place, point) in (0_u32..).zip(&points) {
            let top = usize::try_from(point >> index_shift).expect("an index has at most 2^28 entries");
            if top >= index.len() {
                index.resize(top + 1, place);
            }
        }
        index.resize(1 << index_bits(total), u32::try_from(total).expect("a ring has at most 2^27 points"));
        points.push(u64::MAX);
        owners.push(owners[0]);
        let racks = Racks::new(&settings.nodes);
        Ok(Self { settings, racks, shift: self.shift, points, owners, index, index_shift })
    }

    /// The number of points.
    #[must_use]
    pub fn point_count(&self) -> usize {
        self.points.len() - 1
    }

    /// The number of points of each node.
    pub(super) fn counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.settings.nodes.len()];
        self.owners[..self.point_count()].iter().for_each(|owner| counts[*owner as usize] += 1);
        counts
    }

    /// The node of each point, clockwise.
    pub(super) fn owners_of_points(&self) -> &[u32] {
        &self.owners[..self.point_count()]
    }

    /// The number of the first point at or after a hash value, clockwise.
    #[inline]
    pub(super) fn point_of(&self, hash: u64) -> usize {
        let place = self.place(hash << self.shift);
        if place == self.point_count() { 0 } else { place }
    }

    /// How far the first point at or after this value of 64 bits is, and its node.
    #[inline]
    pub(super) fn following(&self, value: u64) -> (u64, u32) {
        let place = self.point_of(value);
        (self.points[place].wrapping_sub(value), self.owners[place])
    }

    /// The place of the first point at or after a shifted value; the sentinel's beyond the last.
    #[inline]
    fn place(&self, value: u64) -> usize {
        let mut place = self.index[(value >> self.index_shift) as usize] as usize;
        // One step without a branch, which could not be predicted; a second is rare.
        place += usize::from(self.points[place] < value);
        while self.points[place] < value {
            place += 1;
        }
        place
    }

    /// Points clockwise: the hash value of each as the function gives it, its node, and the length
    /// of the arc that ends in it, in 2^-64 of the circle. Lengths add up to 2^64.
    pub fn arcs(&self) -> impl Iterator<Item = (u64, u32, u128)> {
        let count = self.point_count();
        let points = &self.points[..count];
        // The first arc begins at the last point, on the far side of zero.
        let mut before = i128::from(points[count - 1]) - (1 << 64);
        points.iter().zip(&self.owners).map(move |(point, owner)| {
            let length = (i128::from(*point) - before).unsigned_abs();
            before = i128::from(*point);
            (point >> self.shift, *owner, length)
        })
    }

    /// Neighbours on the circle that belong to the same node: pairs in which a replica, or the
    /// successor of a lost point, finds nobody new. Random points leave about V pairs in all,
    /// exactly nV(V-1)/(nV-1) in expectation.
    #[must_use]
    pub fn adjacent_equal_pairs(&self) -> usize {
        // The sentinel carries the first point's node and so closes the circle.
        let pairs = self.owners.windows(2).filter(|pair| pair[0] == pair[1]).count();
        if self.point_count() == 1 { 0 } else { pairs }
    }

    /// The nodes from `place` on, clockwise, once around.
    fn clockwise(&self, place: usize) -> impl Iterator<Item = u32> {
        let count = self.point_count();
        let start = place % count;
        self.owners[start..count].iter().chain(&self.owners[..start]).copied()
    }
}

/// The hash values of all points, node by node. Identity hashes no text: points are then XXH3's.
fn point_values(settings: &Settings, counts: &[usize]) -> Result<Vec<u64>> {
    let total = counts.iter().sum();
    let function =
        if settings.hash == HashFunction::Identity { HashFunction::parse("xxh3_64", 0)? } else { settings.hash };
    let mut values = memory::zeros(total);
    // Many points are hashed at once, but not all: their names would take more room than they.
    let (mut text, mut ends) = (Vec::new(), Vec::with_capacity(POINTS_AT_ONCE + 1));
    ends.push(0_i64);
    let mut first = 0;
    for (node, count) in settings.nodes.iter().zip(counts) {
        let mut name = [node.name.as_bytes(), b"-0"].concat();
        for _ in 0..*count {
            text.extend_from_slice(&name);
            ends.push(i64::try_from(text.len()).expect("the names of some points are no longer than memory"));
            increment(&mut name);
            if ends.len() > POINTS_AT_ONCE || first + ends.len() > total {
                let next = first + ends.len() - 1;
                let names = Keys::new(Values::Bytes64 { offsets: &ends, data: &text }, None, next - first)?;
                hash_keys(&[names], function, 1, 0, &mut values[first..next])?;
                text.clear();
                ends.truncate(1);
                first = next;
            }
        }
    }
    Ok(values)
}

/// Adds 1 to the decimal number behind the last `-`; formatting a number takes longer than hashing it.
fn increment(name: &mut Vec<u8>) {
    for place in (0..name.len()).rev() {
        match name[place] {
            b'9' => name[place] = b'0',
            b'-' => return name.insert(place + 1, b'1'),
            _ => {
                name[place] += 1;
                return;
            }
        }
    }
}

/// Points per node: max(1, round half even (virtual nodes x weight)).
fn point_counts(settings: &Settings) -> Result<Vec<usize>> {
    let virtual_nodes = settings.virtual_nodes.unwrap_or(VIRTUAL_NODES_DEFAULT);
    if !(1..=VIRTUAL_NODES_HIGH).contains(&virtual_nodes) {
        return Err(Error::Parameter(format!(
            "virtual_nodes is {virtual_nodes}; expected from 1 to {VIRTUAL_NODES_HIGH}"
        )));
    }
    #[allow(clippy::cast_precision_loss)]
    let exact = |weight: f64| (virtual_nodes as f64 * weight).round_ties_even().max(1.0);
    let total: f64 = settings.nodes.iter().map(|node| exact(node.weight)).sum();
    #[allow(clippy::cast_precision_loss)]
    if total > POINTS_HIGH as f64 {
        return Err(Error::Parameter(format!(
            "{} nodes with {virtual_nodes} virtual nodes each (times their weights) are {total} points; expected \
             at most {POINTS_HIGH}: use fewer virtual nodes, or smaller weights",
            settings.nodes.len()
        )));
    }
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let counts = settings.nodes.iter().map(|node| exact(node.weight) as usize).collect();
    Ok(counts)
}

/// Nodes may have changed places: of equal points the one of the lower position comes first.
fn sort_owners_of_equal_points(points: &[u64], owners: &mut [u32]) {
    let mut first = 0;
    for at in 1..=points.len() {
        if at == points.len() || points[at] != points[first] {
            if at - first > 1 {
                owners[first..at].sort_unstable();
            }
            first = at;
        }
    }
}

/// The bits of an index of so many points: at least twice as many entries.
fn index_bits(points: usize) -> u32 {
    (2 * points).next_power_of_two().trailing_zeros()
}

/// The points in order with their nodes, each with room for a sentinel, and for each value of the top b bits the first point that is not below
/// it; 2^b is at least twice the number of points, so that a lookup steps over half a point on average.
///
/// Hash values are spread evenly, so that counting them by their top bits sorts them but for few neighbours, and the
/// counts are the index. Of equal points the one of the lower position comes first.
#[allow(clippy::cast_possible_truncation)]
fn sorted_with_index(values: &[u64], counts: &[usize], shift: u32) -> (Vec<u64>, Vec<u32>, Vec<u32>, u32) {
    let bits = index_bits(values.len());
    let index_shift = 64 - bits;
    let bucket = |value: u64| (value << shift >> index_shift) as usize;
    let mut index = vec![0_u32; 1 << bits];
    values.iter().for_each(|value| index[bucket(*value)] += 1);
    let mut passed = 0;
    for first in &mut index {
        (*first, passed) = (passed, passed + *first);
    }
    let (mut points, mut nodes) = (vec![0; values.len() + 1], vec![0; values.len() + 1]);
    let mut rest = values;
    for (owner, count) in (0_u32..).zip(counts) {
        let (own, others) = rest.split_at(*count);
        for value in own {
            let place = &mut index[bucket(*value)];
            points[*place as usize] = value << shift;
            nodes[*place as usize] = owner;
            *place += 1;
        }
        rest = others;
    }
    // Each place has moved on to the beginning of the next.
    let last = index.len() - 1;
    index.copy_within(..last, 1);
    index[0] = 0;
    let ends = index[1..].iter().copied().chain([passed]);
    for (start, end) in index.iter().zip(ends).filter(|(start, end)| *end > *start + 1) {
        sort_pairs(&mut points[*start as usize..end as usize], &mut nodes[*start as usize..end as usize]);
    }
    (points, nodes, index, index_shift)
}

/// Sorts points with their nodes, which are in ascending order where points are equal.
fn sort_pairs(points: &mut [u64], nodes: &mut [u32]) {
    const FEW: usize = 16;
    if points.len() > FEW {
        let mut pairs: Vec<(u64, u32)> = points.iter().copied().zip(nodes.iter().copied()).collect();
        pairs.sort_unstable();
        for ((point, node), pair) in points.iter_mut().zip(nodes).zip(pairs) {
            (*point, *node) = pair;
        }
        return;
    }
    for end in 1..points.len() {
        let mut place = end;
        while place > 0 && points[place - 1] > points[place] {
            points.swap(place - 1, place);
            nodes.swap(place - 1, place);
            place -= 1;
        }
    }
}

impl Placement for Ring {
    fn contender(&self) -> &'static Contender {
        &CONTENDER
    }

    fn settings(&self) -> &Settings {
        &self.settings
    }

    #[inline]
    fn owner(&self, hash: u64) -> u32 {
        debug_assert!(self.shift == 0 || hash >> self.shift == 0, "{hash} is wider than the hash function");
        self.owners[self.place(hash << self.shift)]
    }

    fn memory_bytes(&self) -> u64 {
        let bytes = size_of_val(self.points.as_slice())
            + size_of_val(self.owners.as_slice())
            + size_of_val(self.index.as_slice());
        bytes as u64
    }

    #[allow(clippy::cast_precision_loss)]
    fn ownership(&self) -> Vec<f64> {
        let mut lengths = vec![0_u128; self.settings.nodes.len()];
        for (_, owner, length) in self.arcs() {
            lengths[owner as usize] += length;
        }
        lengths.into_iter().map(|length| length as f64 / CIRCLE).collect()
    }

    /// Exact: both circles are cut at all points of either, and the arcs that change are summed.
    fn moved_share(&self, after: &dyn Placement) -> Option<f64> {
        let after = (after as &dyn Any).downcast_ref::<Self>()?;
        let (old, new) = movement::numbered_names(self, after);
        let (a_points, b_points) = (&self.points[..self.point_count()], &after.points[..after.point_count()]);
        let (mut a, mut b) = (0, 0);
        let last = a_points[a_points.len() - 1].max(b_points[b_points.len() - 1]);
        let mut before = i128::from(last) - (1 << 64);
        let mut moved = 0_u128;
        while a < a_points.len() || b < b_points.len() {
            let end = match (a_points.get(a), b_points.get(b)) {
                (Some(x), Some(y)) => *x.min(y),
                (Some(x), None) | (None, Some(x)) => *x,
                (None, None) => unreachable!("the loop ends with both"),
            };
            // Beyond its last point a circle goes on with its first, as the sentinel's node says.
            if old[self.owners[a] as usize] != new[after.owners[b] as usize] {
                moved += (i128::from(end) - before).unsigned_abs();
            }
            before = i128::from(end);
            a += a_points[a..].iter().take_while(|point| **point == end).count();
            b += b_points[b..].iter().take_while(|point| **point == end).count();
        }
        #[allow(clippy::cast_precision_loss)]
        Some(moved as f64 / CIRCLE)
    }

    fn with_nodes(&self, settings: Settings) -> Option<Result<Box<dyn Placement>>> {
        Some(self.changed(settings).map(|made| -> Box<dyn Placement> { Box::new(made) }))
    }

    /// Replicas depend only on the point where the walk begins: for more keys than points, each
    /// point's replicas are found once.
    fn replicas(&self, hashes: &[u64], count: usize, out: &mut [u32]) -> Result<()> {
        check_replicas(&self.settings.nodes, count)?;
        assert_eq!(out.len(), hashes.len() * count, "count replicas per hash value");
        let mut choice = self.racks.choice();
        if hashes.len() <= self.point_count() {
            for (hash, slots) in hashes.iter().zip(out.chunks_exact_mut(count)) {
                choice.fill(self.clockwise(self.place(hash << self.shift)), slots);
            }
            return Ok(());
        }
        let mut table = vec![0; (self.point_count() + 1) * count];
        for (place, slots) in table.chunks_exact_mut(count).enumerate() {
            choice.fill(self.clockwise(place), slots);
        }
        for (hash, slots) in hashes.iter().zip(out.chunks_exact_mut(count)) {
            let row = self.place(hash << self.shift) * count;
            slots.copy_from_slice(&table[row..row + count]);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
