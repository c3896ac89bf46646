//! Merkle trees over the blocks of a stream: one root for all bytes, and where two streams differ.
//!
//! Idea: the digest of each block is a leaf, the digest of two neighbours a node, up to one root. Leaves and nodes
//! are told apart (0x00 and 0x01 before what is digested), and an odd node at the end goes up as it is and is never
//! doubled, so that two lists of blocks have one root only if the digest collides. Cost: one pass over the bytes, two
//! digests of memory per block. Choose one where it matters which block is broken, or where one block is to be
//! proved without the others. Source: Merkle 1987, "A Digital Signature Based on a Conventional Encryption Function";
//! RFC 6962, section 2.1; RFC 9162, section 2.1.3.

use crate::checksum::digest::Stream;
use crate::checksum::{Algorithm, BLOCK_BYTES_HIGH, BYTES_WORTH_A_THREAD};
use crate::error::{Error, Result};
use crate::hash::digest::Digest;
use crate::hash::{HashKey, xxh3_64::Xxh3_64};
use crate::threads;

const LEAF: u8 = 0;
const NODE: u8 = 1;

const MAGIC: &[u8; 8] = b"assaymt\0";
const VERSION: u16 = 1;
const HEADER_BYTES: usize = 24;
const TRAILER_BYTES: usize = 8;
/// The digests by their codes in the stored form, which never change; a code is the position plus one.
const CODES: [Digest; 5] = [Digest::Md5, Digest::Sha1, Digest::Sha256, Digest::Sha512, Digest::Blake3];

/// The digest that this algorithm is.
///
/// # Errors
/// If it is a CRC or a non-cryptographic hash.
pub fn digest_of(algorithm: Algorithm, name: &str) -> Result<Digest> {
    match algorithm {
        Algorithm::Digest(digest) => Ok(digest),
        _ => Err(Error::Parameter(format!(
            "a Merkle tree by {name} proves nothing, as blocks with a wanted value can be made at will; expected a \
             digest (blake3, sha256, sha512, sha1, md5); to find broken blocks by {name}, compare checksum_blocks"
        ))),
    }
}

fn leaf(digest: Digest, block: &[u8]) -> Vec<u8> {
    let mut stream = Stream::new(digest);
    stream.update(&[LEAF]);
    stream.update(block);
    stream.value()
}

fn node(digest: Digest, left: &[u8], right: &[u8]) -> Vec<u8> {
    let mut stream = Stream::new(digest);
    stream.update(&[NODE]);
    stream.update(left);
    stream.update(right);
    stream.value()
}

/// The leaves of a stream in the making.
#[derive(Debug, Clone)]
pub struct Leaves {
    digest: Digest,
    block_bytes: usize,
    covered_bytes: u64,
    open: Option<Stream>,
    digests: Vec<u8>,
}

impl Leaves {
    /// No blocks yet.
    ///
    /// # Errors
    /// If `block_bytes` is 0 or beyond [`BLOCK_BYTES_HIGH`].
    pub fn new(digest: Digest, block_bytes: u64) -> Result<Self> {
        let size = usize::try_from(block_bytes).ok().filter(|_| (1..=BLOCK_BYTES_HIGH).contains(&block_bytes));
        let block_bytes = size.ok_or_else(|| {
            Error::Parameter(format!("block_bytes is {block_bytes}; expected 1 to {BLOCK_BYTES_HIGH}, such as 65536"))
        })?;
        Ok(Self { digest, block_bytes, covered_bytes: 0, open: None, digests: Vec::new() })
    }

    /// Appends `bytes`; whole blocks are digested side by side.
    pub fn update(&mut self, bytes: &[u8], threads: usize) {
        let filled = (self.covered_bytes % self.block_bytes as u64) as usize;
        self.covered_bytes += bytes.len() as u64;
        let mut rest = bytes;
        if let Some(mut stream) = self.open.take() {
            let (head, tail) = rest.split_at((self.block_bytes - filled).min(rest.len()));
            stream.update(head);
            rest = tail;
            if filled + head.len() == self.block_bytes {
                self.digests.extend(stream.value());
            } else {
                self.open = Some(stream);
            }
        }
        let count = rest.len() / self.block_bytes;
        let (whole, tail) = rest.split_at(count * self.block_bytes);
        let pieces = threads.min(whole.len() / BYTES_WORTH_A_THREAD).max(1);
        // Ranges begin at multiples of 64, which may be many blocks or few: a block counts as 64.
        let parts = threads::split(count * 64, pieces, |range| {
            let part = &whole[range.start / 64 * self.block_bytes..range.end / 64 * self.block_bytes];
            part.chunks_exact(self.block_bytes).flat_map(|block| leaf(self.digest, block)).collect::<Vec<u8>>()
        });
        parts.iter().for_each(|part| self.digests.extend_from_slice(part));
        if !tail.is_empty() {
            let mut stream = Stream::new(self.digest);
            stream.update(&[LEAF]);
            stream.update(tail);
            self.open = Some(stream);
        }
    }

    /// The tree over all blocks, the short one at the end included.
    #[must_use]
    pub fn finish(mut self) -> Tree {
        if let Some(stream) = self.open.take() {
            self.digests.extend(stream.value());
        }
        Tree::over(self.digest, self.block_bytes as u64, self.covered_bytes, self.digests)
    }
}

/// The digests of all blocks and of all nodes above them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tree {
    digest: Digest,
    block_bytes: u64,
    covered_bytes: u64,
    /// The leaves, then what is above each level; the last level holds the root, or nothing where there are no blocks.
    levels: Vec<Vec<u8>>,
}

impl Tree {
    fn over(digest: Digest, block_bytes: u64, covered_bytes: u64, leaves: Vec<u8>) -> Self {
        let width = digest.width();
        let mut levels = vec![leaves];
        while levels[levels.len() - 1].len() > width {
            let below = &levels[levels.len() - 1];
            let above = below.chunks(2 * width).flat_map(|pair| match pair.split_at_checked(width) {
                Some((left, right)) if !right.is_empty() => node(digest, left, right),
                _ => pair.to_vec(),
            });
            levels.push(above.collect());
        }
        Self { digest, block_bytes, covered_bytes, levels }
    }

    /// The digest.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The size of a block; the last one may be shorter.
    #[must_use]
    pub fn block_bytes(&self) -> u64 {
        self.block_bytes
    }

    /// The number of bytes that the blocks hold.
    #[must_use]
    pub fn covered_bytes(&self) -> u64 {
        self.covered_bytes
    }

    /// The number of blocks.
    #[must_use]
    pub fn block_count(&self) -> u64 {
        (self.levels[0].len() / self.digest.width()) as u64
    }

    /// The digests of the blocks, end to end.
    #[must_use]
    pub fn leaves(&self) -> &[u8] {
        &self.levels[0]
    }

    /// What the digests take.
    #[must_use]
    pub fn memory_bytes(&self) -> u64 {
        self.levels.iter().map(|level| level.len() as u64).sum()
    }

    /// The Merkle tree hash of RFC 6962 over the blocks: the digest of nothing where there are none.
    #[must_use]
    pub fn root(&self) -> Vec<u8> {
        let top = &self.levels[self.levels.len() - 1];
        if top.is_empty() { Stream::new(self.digest).value() } else { top.clone() }
    }

    fn at(&self, level: usize, index: u64) -> &[u8] {
        let width = self.digest.width();
        // An index of what is in memory fits a usize.
        let start = index as usize * width;
        &self.levels[level][start..start + width]
    }

    /// The numbers of the blocks that differ, ascending; blocks that only one tree has are among them.
    ///
    /// Only nodes above a difference are looked at: log2(n) of them for one block.
    ///
    /// # Errors
    /// If the digests or the sizes of the blocks differ.
    pub fn diff(&self, other: &Self) -> Result<Vec<u64>> {
        if self.digest != other.digest || self.block_bytes != other.block_bytes {
            let of = |tree: &Self| format!("{} over blocks of {} bytes", tree.digest.name(), tree.block_bytes);
            return Err(Error::Parameter(format!(
                "a tree by {} cannot be compared with one by {}; build both alike",
                of(self),
                of(other)
            )));
        }
        let (less, more) = (self.block_count().min(other.block_count()), self.block_count().max(other.block_count()));
        let mut found = Vec::new();
        // Subtrees that are whole in both trees lie alike; they are taken from left to right, the largest first.
        let mut start = 0;
        while start < less {
            let level = (less - start).ilog2().min(if start == 0 { u32::MAX } else { start.trailing_zeros() });
            self.differing(other, level, start >> level, &mut found);
            start += 1 << level;
        }
        found.extend(less..more);
        Ok(found)
    }

    fn differing(&self, other: &Self, level: u32, index: u64, found: &mut Vec<u64>) {
        if self.at(level as usize, index) == other.at(level as usize, index) {
            return;
        }
        match level.checked_sub(1) {
            None => found.push(index),
            Some(below) => (0..2).for_each(|side| self.differing(other, below, 2 * index + side, found)),
        }
    }

    /// What proves block `index`: the digests beside its way to the root, from below.
    ///
    /// # Errors
    /// If there is no such block.
    pub fn proof(&self, index: u64) -> Result<Vec<Vec<u8>>> {
        let count = self.block_count();
        if index >= count {
            let bounds =
                count.checked_sub(1).map_or("there are no blocks".to_owned(), |last| format!("expected 0 to {last}"));
            return Err(Error::Parameter(format!("block {index} is not in the tree; {bounds}")));
        }
        let mut beside = Vec::new();
        for level in 0..self.levels.len() - 1 {
            let sibling = (index >> level) ^ 1;
            if (sibling as usize) < self.levels[level].len() / self.digest.width() {
                beside.push(self.at(level, sibling).to_vec());
            }
        }
        Ok(beside)
    }

    /// The stored form: header, leaves, checksum.
    ///
    /// ```text
    /// offset  bytes
    ///      0      8  magic "assaymt\0"
    ///      8      2  version, 1
    ///     10      1  digest: 1 md5, 2 sha1, 3 sha256, 4 sha512, 5 blake3
    ///     11      1  0
    ///     12      4  block_bytes
    ///     16      8  covered_bytes
    ///     24  n * w  the digests of the n = ceil(covered_bytes / block_bytes) blocks
    ///    end      8  XXH3-64 of everything before
    /// ```
    ///
    /// Numbers are little-endian. Nodes are not stored: they follow from the leaves.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEADER_BYTES + self.levels[0].len() + TRAILER_BYTES);
        let code = CODES.iter().position(|digest| *digest == self.digest).map_or(0, |index| index as u8 + 1);
        let block_bytes = u32::try_from(self.block_bytes).expect("a block has at most 2^31 bytes");
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&VERSION.to_le_bytes());
        out.extend_from_slice(&[code, 0]);
        out.extend_from_slice(&block_bytes.to_le_bytes());
        out.extend_from_slice(&self.covered_bytes.to_le_bytes());
        out.extend_from_slice(&self.levels[0]);
        let checksum = Xxh3_64::new(0).bytes(&out);
        out.extend_from_slice(&checksum.to_le_bytes());
        out
    }

    /// The tree of a stored form.
    ///
    /// # Errors
    /// If the bytes are no tree, are of a newer version, are truncated or too long, or have changed.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let corrupt = |message: String| Error::Corrupt(format!("these bytes are no Merkle tree of assay: {message}"));
        let least = HEADER_BYTES + TRAILER_BYTES;
        if bytes.len() < least {
            return Err(corrupt(format!("{} bytes; expected at least {least}", bytes.len())));
        }
        if &bytes[..8] != MAGIC {
            return Err(corrupt(format!(
                "they begin with \"{}\"; expected \"{}\"",
                bytes[..8].escape_ascii(),
                MAGIC.escape_ascii()
            )));
        }
        let version = u16::from_le_bytes([bytes[8], bytes[9]]);
        if version != VERSION {
            return Err(corrupt(format!(
                "version {version}; expected {VERSION}: read them with the assay that wrote them"
            )));
        }
        let digest = usize::from(bytes[10]).checked_sub(1).and_then(|index| CODES.get(index)).copied();
        let digest = digest.filter(|_| bytes[11] == 0).ok_or_else(|| {
            corrupt(format!("digest {} with flags {}; expected 1 to 5, and no flags", bytes[10], bytes[11]))
        })?;
        let block_bytes = u64::from(u32::from_le_bytes(std::array::from_fn(|index| bytes[12 + index])));
        if !(1..=BLOCK_BYTES_HIGH).contains(&block_bytes) {
            return Err(corrupt(format!("blocks of {block_bytes} bytes; expected 1 to {BLOCK_BYTES_HIGH}")));
        }
        let covered_bytes = u64::from_le_bytes(std::array::from_fn(|index| bytes[16 + index]));
        let expected = u128::from(covered_bytes.div_ceil(block_bytes)) * digest.width() as u128 + least as u128;
        if bytes.len() as u128 != expected {
            return Err(corrupt(format!("{} bytes; their header says {expected}: truncated or joined", bytes.len())));
        }
        let (body, trailer) = bytes.split_at(bytes.len() - TRAILER_BYTES);
        if Xxh3_64::new(0).bytes(body).to_le_bytes() != trailer {
            return Err(corrupt("their checksum does not match; they have changed since they were written".to_owned()));
        }
        Ok(Self::over(digest, block_bytes, covered_bytes, body[HEADER_BYTES..].to_vec()))
    }
}

/// Which block of how many bytes a proof is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The size of a block.
    pub block_bytes: u64,
    /// The number of bytes of all blocks.
    pub covered_bytes: u64,
    /// The number of the block.
    pub index: u64,
}

/// Whether `block` is the block at that place of the bytes whose tree has this root (RFC 9162, section 2.1.3.2).
///
/// The number of bytes is part of what is proved: a block that ends the bytes could otherwise be passed off as
/// the end of fewer.
#[must_use]
pub fn verify(digest: Digest, place: Place, block: &[u8], siblings: &[&[u8]], root: &[u8]) -> bool {
    let Place { block_bytes, covered_bytes, index } = place;
    if block_bytes == 0 || index >= covered_bytes.div_ceil(block_bytes) {
        return false;
    }
    // The index is that of a block, so that the product is below the number of bytes.
    if block.len() as u64 != block_bytes.min(covered_bytes - index * block_bytes) {
        return false;
    }
    let (mut position, mut last) = (index, covered_bytes.div_ceil(block_bytes) - 1);
    let mut found = leaf(digest, block);
    for sibling in siblings {
        if last == 0 || sibling.len() != digest.width() {
            return false;
        }
        if position % 2 == 1 || position == last {
            found = node(digest, sibling, &found);
            // An odd node at the end has gone up as it is.
            while position % 2 == 0 {
                (position, last) = (position / 2, last / 2);
            }
        } else {
            found = node(digest, &found, sibling);
        }
        (position, last) = (position / 2, last / 2);
    }
    last == 0 && found == root
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn tree(bytes: &[u8], block_bytes: u64, digest: Digest) -> Tree {
        let mut leaves = Leaves::new(digest, block_bytes).unwrap();
        leaves.update(bytes, 1);
        leaves.finish()
    }

    /// The definition of RFC 6962, section 2.1, word for word.
    fn naive(digest: Digest, blocks: &[&[u8]]) -> Vec<u8> {
        match blocks {
            [] => Stream::new(digest).value(),
            [block] => leaf(digest, block),
            _ => {
                let split = blocks.len().next_power_of_two() / 2;
                node(digest, &naive(digest, &blocks[..split]), &naive(digest, &blocks[split..]))
            }
        }
    }

    /// The eight entries of the test tree of Certificate Transparency, and the roots of its first 1 to 8
    /// (google/certificate-transparency, merkletree tests; also in trillian and transparency-dev/merkle).
    #[test]
    fn the_roots_of_certificate_transparency_match() {
        let entries: [&[u8]; 8] = [b"", b"\x00", b"\x10", b" !", b"01", b"@ABC", b"PQRSTUVW", b"`abcdefghijklmno"];
        let roots = [
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        ];
        for (count, root) in (1..).zip(roots) {
            let leaves = entries[..count].iter().flat_map(|entry| leaf(Digest::Sha256, entry)).collect();
            assert_eq!(hex(&Tree::over(Digest::Sha256, 1, 0, leaves).root()), root, "{count} entries");
            assert_eq!(hex(&naive(Digest::Sha256, &entries[..count])), root, "{count} entries");
        }
        let nothing = tree(b"", 8, Digest::Sha256);
        assert_eq!(hex(&nothing.root()), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        assert_eq!(nothing.block_count(), 0);
        assert!(nothing.proof(0).unwrap_err().to_string().contains("no blocks"));
    }

    #[test]
    fn an_odd_node_is_not_doubled() {
        // Three blocks, and the same with the last one twice: where an odd node is doubled, both have one root.
        let (three, four) = (tree(b"abc", 1, Digest::Blake3), tree(b"abcc", 1, Digest::Blake3));
        assert_ne!(three.root(), four.root());
        assert_eq!(three.diff(&four).unwrap(), [3]);
    }

    #[test]
    fn the_end_is_not_passed_off_as_the_end_of_fewer_bytes() {
        // Block 4 of 5 and block 1 of 2 have the same way to the root: one step from the right.
        let five = tree(b"abcde", 1, Digest::Sha256);
        let proof = five.proof(4).unwrap();
        let siblings: Vec<&[u8]> = proof.iter().map(Vec::as_slice).collect();
        assert_eq!(siblings.len(), 1);
        let place = |covered_bytes, index| Place { block_bytes: 1, covered_bytes, index };
        assert!(verify(Digest::Sha256, place(5, 4), b"e", &siblings, &five.root()));
        // Its root alone does not tell; the number of bytes, which the caller knows, does.
        assert!(verify(Digest::Sha256, place(2, 1), b"e", &siblings, &five.root()));
        assert!((0..4).all(|index| !verify(Digest::Sha256, place(5, index), b"e", &siblings, &five.root())));
    }

    #[test]
    fn only_digests_make_trees() {
        for contender in crate::checksum::CONTENDERS {
            let algorithm = Algorithm::parse(contender.name).unwrap();
            let made = digest_of(algorithm, contender.name);
            assert_eq!(made.is_ok(), matches!(algorithm, Algorithm::Digest(_)), "{}", contender.name);
        }
        let error = digest_of(Algorithm::parse("crc32c").unwrap(), "crc32c").unwrap_err().to_string();
        assert!(error.contains("checksum_blocks"), "{error}");
        assert!(Leaves::new(Digest::Md5, 0).is_err() && Leaves::new(Digest::Md5, BLOCK_BYTES_HIGH + 1).is_err());
    }

    #[test]
    fn hostile_bytes_are_refused_before_anything_is_allocated() {
        let whole = tree(b"0123456789", 4, Digest::Sha256).to_bytes();
        let forged = |at: usize, value: u8| {
            let mut bytes = whole.clone();
            bytes[at] = value;
            let body = bytes.len() - TRAILER_BYTES;
            let checksum = Xxh3_64::new(0).bytes(&bytes[..body]);
            bytes[body..].copy_from_slice(&checksum.to_le_bytes());
            Tree::from_bytes(&bytes)
        };
        // magic, version, digest, flags, block size (to 0, to too large), number of bytes
        let cases =
            [(0, 1, "begin"), (8, 2, "version 2"), (10, 9, "digest 9"), (11, 1, "flags 1"), (12, 0, "blocks of 0")];
        for (at, value, named) in
            [&cases[..], &[(15, 255, "blocks of"), (23, 255, "header says"), (16, 0, "header says")]].concat()
        {
            let error = forged(at, value).unwrap_err().to_string();
            assert!(error.contains(named), "byte {at}: {error}");
        }
        assert!(forged(24, whole[24]).is_ok());
    }

    proptest! {
        #[test]
        fn trees_are_those_of_the_definition(
            bytes in proptest::collection::vec(any::<u8>(), 0..200), block in 1_u64..40, cut in 0_usize..200, which in 0_usize..5,
        ) {
            let digest = CODES[which];
            let (head, tail) = bytes.split_at(cut.min(bytes.len()));
            let mut leaves = Leaves::new(digest, block).unwrap();
            leaves.update(head, 2);
            leaves.update(tail, 2);
            let made = leaves.finish();
            let blocks: Vec<&[u8]> = bytes.chunks(block as usize).collect();
            prop_assert_eq!(made.root(), naive(digest, &blocks));
            prop_assert_eq!(made.block_count(), blocks.len() as u64);
            for (index, part) in (0..).zip(&blocks) {
                let proof = made.proof(index).unwrap();
                let siblings: Vec<&[u8]> = proof.iter().map(Vec::as_slice).collect();
                let place = Place { block_bytes: block, covered_bytes: bytes.len() as u64, index };
                prop_assert!(verify(digest, place, part, &siblings, &made.root()));
                let other = Place { index: index ^ 1, ..place };
                let alike = blocks.get(other.index as usize) == Some(part);
                prop_assert!(alike || !verify(digest, other, part, &siblings, &made.root()));
                prop_assert!(!verify(digest, place, b"x", &siblings, &made.root()) || part == b"x");
                prop_assert!(!verify(digest, place, part, &siblings, &made.root()[1..]));
                if let Some((_, fewer)) = siblings.split_last() {
                    prop_assert!(!verify(digest, place, part, fewer, &made.root()));
                }
            }
            prop_assert_eq!(Tree::from_bytes(&made.to_bytes()).unwrap(), made);
        }

        #[test]
        fn differences_are_those_of_the_blocks(
            bytes in proptest::collection::vec(any::<u8>(), 0..300), block in 1_usize..12, length in 0_usize..300,
            flips in proptest::collection::vec(0_usize..300, 0..4),
        ) {
            let mut other: Vec<u8> = bytes.iter().copied().chain(std::iter::repeat(7)).take(length).collect();
            flips.iter().for_each(|at| if let Some(byte) = other.get_mut(*at) { *byte ^= 1 });
            let (left, right): (Vec<_>, Vec<_>) = (bytes.chunks(block).collect(), other.chunks(block).collect());
            let differ = |index: &usize| left.get(*index) != right.get(*index);
            let expected: Vec<u64> = (0..left.len().max(right.len())).filter(differ).map(|index| index as u64).collect();
            let trees = [tree(&bytes, block as u64, Digest::Sha1), tree(&other, block as u64, Digest::Sha1)];
            prop_assert_eq!(trees[0].diff(&trees[1]).unwrap(), expected.clone());
            prop_assert_eq!(trees[1].diff(&trees[0]).unwrap(), expected);
        }

        #[test]
        fn changed_bytes_are_no_tree(at in 0_usize..500, change in 1_u8..=255) {
            let whole = tree(&[3; 100], 9, Digest::Sha256).to_bytes();
            let at = at % whole.len();
            let mut changed = whole.clone();
            changed[at] ^= change;
            prop_assert!(Tree::from_bytes(&changed).is_err());
            prop_assert!(Tree::from_bytes(&whole[..at]).is_err());
            prop_assert!(Tree::from_bytes(&[&whole[..], &[0]].concat()).is_err());
        }
    }
}
