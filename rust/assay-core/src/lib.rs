//! The algorithms of assay, apart from everything that is not an algorithm.
//!
//! This crate knows no Python, no Arrow, no clock and no files: keys come in as borrowed columns
//! ([`keys::Keys`]), results go out as plain vectors. Each *room* (hash, filter, placement,
//! checksum, cache, admission, write scheme, coherence, partition) has a trait or an enum of its contenders and one table
//! that lists them; each contender is one file.

pub mod cache;
pub mod capacity;
pub mod catalogue;
pub mod checksum;
pub mod counts;
pub mod error;
pub mod filter;
pub mod fold;
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

/// Every contender of every room, in the order of the rooms' tables.
pub fn all_contenders() -> impl Iterator<Item = &'static Contender> {
    let hashes = hash::CONTENDERS.iter().chain(hash::wide::CONTENDERS).copied().chain(hash::digest::CONTENDERS);
    let filters = filter::CONTENDERS.iter().copied();
    let placements = placement::TABLE.iter().map(|(contender, _)| *contender);
    let checksums = checksum::CONTENDERS.iter().copied();
    let caches = cache::TABLE.iter().map(|(contender, _)| *contender);
    let schemes = cache::writes::TABLE.iter().map(|(contender, _)| *contender);
    let coherence = cache::writes::coherence::TABLE.iter().map(|(contender, _)| *contender);
    let admissions = cache::admission::TABLE.iter().map(|(contender, _)| *contender);
    let of_caches = caches.chain(admissions).chain(schemes).chain(coherence);
    hashes.chain(filters).chain(placements).chain(checksums).chain(of_caches).chain(partition::contenders())
}
