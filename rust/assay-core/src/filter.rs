//! The room of filters: a set of keys in a few bits each, that never denies a key it holds.
//!
//! A filter is built on a column and probed with columns, a stretch of rows at a time: hash them, fetch
//! their cache lines, test them, write 64 result bits at once. The bits do not depend on the chunks or the
//! threads.
//!
//! # The shape of a kind
//! Every kind is one file with a `CONTENDER`, a table of bits, and a struct that ties the table to a type of
//! keys. What all kinds share:
//!
//! - [`batch`]: [`batch::Stretch`] holds the hashes of up to 1,024 rows and which of them are keys.
//!   [`batch::canonical`] fills it with XXH3_64 (seed 0) of canonical bytes, so that one value in many types is one
//!   key. [`batch::contains`] walks chunks, dictionaries, nulls and threads, and asks the kind only
//!   `probe(&[hash], &mut [word])`; [`batch::for_each_run`] hands an insertion the hashes of keys, nulls left
//!   out ([`batch::for_each_row_run`] where duplicates count).
//! - [`hashes`]: all hashes at once, partitioned and each kept once, for kinds that are built in one go.
//! - [`frame`]: the stored form of every kind: [`frame::seal`] and [`frame::open`], with a line in
//!   [`frame::Kind`] for each. Sizes are checked against what is there before anything is allocated.
//! - [`key_type`]: the type of the column that a filter was built on.
//! - [`crate::lanes`]: kernels ask `lanes::allows(Path::Avx512)` besides the processor.

pub mod batch;
pub mod binary_fuse;
pub mod blocked_512;
pub mod bloom;
pub mod counting;
pub mod cuckoo;
pub mod exact;
pub mod frame;
pub mod hashes;
pub mod key_type;
pub mod parquet;
pub mod plain;
pub mod plain_hash;
pub mod ribbon;
pub mod spelled;
pub mod split_block;
pub mod standard;
pub mod table;
pub mod xor;

use crate::catalogue::Contender;

pub use binary_fuse::BinaryFuseFilter;
pub use bloom::{BloomFilter, Layout, Options};
pub use counting::CountingBloomFilter;
pub use cuckoo::CuckooFilter;
pub use ribbon::RibbonFilter;
pub use xor::XorFilter;

/// All contenders of this room.
pub const CONTENDERS: &[&Contender] = &[
    &split_block::CONTENDER,
    &standard::CONTENDER,
    &blocked_512::CONTENDER,
    &counting::CONTENDER,
    &binary_fuse::CONTENDER,
    &cuckoo::CONTENDER,
    &xor::CONTENDER,
    &ribbon::CONTENDER,
];
