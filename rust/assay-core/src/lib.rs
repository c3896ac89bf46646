//! The algorithms of assay, apart from everything that is not an algorithm.
//!
//! This crate knows no Python, no Arrow, no clock and no files: keys come in as borrowed columns
//! ([`keys::Keys`]), results go out as plain vectors. Each *room* (hash, filter, placement,
//! checksum, partition) has a trait or an enum of its contenders and one table
//! that lists them; each contender is one file. Caches have a crate of their own on top of this one, so that work on a
//! room compiles that room.

pub mod capacity;
pub mod catalogue;
pub mod checksum;
pub mod counts;
pub mod error;
pub mod filter;
pub mod fold;
pub mod given;
pub mod hash;
pub mod key_table;
pub mod keys;
pub mod lanes;
pub mod memory;
pub mod order;
pub mod partition;
pub mod placement;
pub mod threads;

use catalogue::Contender;

/// Every contender of this crate's rooms, in the order of the rooms' tables.
pub fn contenders() -> impl Iterator<Item = &'static Contender> {
    let hashes = hash::CONTENDERS.iter().chain(hash::wide::CONTENDERS).copied().chain(hash::digest::CONTENDERS);
    let filters = filter::CONTENDERS.iter().copied();
    let placements = placement::TABLE.iter().map(|(contender, _)| *contender);
    let checksums = checksum::CONTENDERS.iter().copied();
    hashes.chain(filters).chain(placements).chain(checksums).chain(partition::contenders())
}
