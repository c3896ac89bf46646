//! MD5 of many short keys at once: one key per lane of a vector register.
//!
//! Idea: each step of MD5 waits for the one before, so one message leaves most of a processor idle; 16
//! messages of as many blocks go through the steps side by side. Keys are gathered by their number of
//! blocks of 64 bytes, transposed as they come; what is longer than four blocks is digested alone.
//! Cost: 9 ns a key of one block in AVX-512 registers, 12 in AVX2, 42 in the four lanes that every x86-64
//! has, against 108 one by one; and some 9 ns to gather and transpose it. Choose it for columns; a single key gains
//! nothing. The steps are loops over arrays, compiled for each set of instructions and chosen at run time.
//! Source: RFC 1321, section 3.4.

use ::md5::Digest as _;

use crate::keys::{Canonical, Keys, for_each_compound};
use crate::lanes::{self, Loop, Path};

/// Words of a block, lane by lane.
type Words<const L: usize> = [[u32; L]; 16];
/// The four words of each lane's digest.
type State<const L: usize> = [[u32; L]; 4];

/// The most blocks of a key that is digested in a lane; 247 bytes fit.
const BLOCKS_HIGH: usize = 4;
/// Below so many keys lanes bring nothing.
const KEYS_WORTH_LANES: usize = 3;

const INITIAL: [u32; 4] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];
const SHIFTS: [[u32; 4]; 4] = [[7, 12, 17, 22], [5, 9, 14, 20], [4, 11, 16, 23], [6, 10, 15, 21]];

/// ⌊2^32 · |sin(i + 1)|⌋, i in radians.
#[rustfmt::skip]
const SINES: [u32; 64] = [
    0xd76a_a478, 0xe8c7_b756, 0x2420_70db, 0xc1bd_ceee, 0xf57c_0faf, 0x4787_c62a, 0xa830_4613, 0xfd46_9501,
    0x6980_98d8, 0x8b44_f7af, 0xffff_5bb1, 0x895c_d7be, 0x6b90_1122, 0xfd98_7193, 0xa679_438e, 0x49b4_0821,
    0xf61e_2562, 0xc040_b340, 0x265e_5a51, 0xe9b6_c7aa, 0xd62f_105d, 0x0244_1453, 0xd8a1_e681, 0xe7d3_fbc8,
    0x21e1_cde6, 0xc337_07d6, 0xf4d5_0d87, 0x455a_14ed, 0xa9e3_e905, 0xfcef_a3f8, 0x676f_02d9, 0x8d2a_4c8a,
    0xfffa_3942, 0x8771_f681, 0x6d9d_6122, 0xfde5_380c, 0xa4be_ea44, 0x4bde_cfa9, 0xf6bb_4b60, 0xbebf_bc70,
    0x289b_7ec6, 0xeaa1_27fa, 0xd4ef_3085, 0x0488_1d05, 0xd9d4_d039, 0xe6db_99e5, 0x1fa2_7cf8, 0xc4ac_5665,
    0xf429_2244, 0x432a_ff97, 0xab94_23a7, 0xfc93_a039, 0x655b_59c3, 0x8f0c_cc92, 0xffef_f47d, 0x8584_5dd1,
    0x6fa8_7e4f, 0xfe2c_e6e0, 0xa301_4314, 0x4e08_11a1, 0xf753_7e82, 0xbd3a_f235, 0x2ad7_d2bb, 0xeb86_d391,
];

/// One step in all lanes: a = b + rotl(a + f(b, c, d) + word + sine, shift).
#[inline(always)]
fn step<const L: usize>(
    a: &mut [u32; L],
    [b, c, d]: [&[u32; L]; 3],
    words: &[u32; L],
    (sine, shift): (u32, u32),
    f: impl Fn(u32, u32, u32) -> u32,
) {
    for lane in 0..L {
        let sum = a[lane].wrapping_add(f(b[lane], c[lane], d[lane])).wrapping_add(words[lane]).wrapping_add(sine);
        a[lane] = sum.rotate_left(shift).wrapping_add(b[lane]);
    }
}

/// The 64 steps; inlined into functions that are compiled for wider registers.
#[inline(always)]
fn compress<const L: usize>(state: &mut State<L>, words: &Words<L>) {
    let [mut a, mut b, mut c, mut d] = *state;
    // Step i of a round reads word (i · stride + first) mod 16; RFC 1321 lists them.
    macro_rules! round {
        ($round:literal, $stride:literal, $first:literal, $f:expr) => {
            round!($round, $stride, $first, $f, 0);
            round!($round, $stride, $first, $f, 4);
            round!($round, $stride, $first, $f, 8);
            round!($round, $stride, $first, $f, 12);
        };
        ($round:literal, $stride:literal, $first:literal, $f:expr, $i:literal) => {
            let word = |step: usize| &words[(step * $stride + $first) % 16];
            let constants = |step: usize| (SINES[16 * $round + step], SHIFTS[$round][step % 4]);
            step(&mut a, [&b, &c, &d], word($i), constants($i), $f);
            step(&mut d, [&a, &b, &c], word($i + 1), constants($i + 1), $f);
            step(&mut c, [&d, &a, &b], word($i + 2), constants($i + 2), $f);
            step(&mut b, [&c, &d, &a], word($i + 3), constants($i + 3), $f);
        };
    }
    round!(0, 1, 0, |x: u32, y: u32, z: u32| (x & y) | (!x & z));
    round!(1, 5, 1, |x: u32, y: u32, z: u32| (x & z) | (y & !z));
    round!(2, 3, 5, |x: u32, y: u32, z: u32| x ^ y ^ z);
    round!(3, 7, 0, |x: u32, y: u32, z: u32| y ^ (x | !z));
    for (sums, found) in state.iter_mut().zip([a, b, c, d]) {
        for (sum, word) in sums.iter_mut().zip(found) {
            *sum = sum.wrapping_add(word);
        }
    }
}

/// A block of each lane, to be added to its state.
struct Block<'a, const L: usize> {
    state: &'a mut State<L>,
    words: &'a Words<L>,
}

impl<const L: usize> Loop for Block<'_, L> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        compress(self.state, self.words);
    }
}

/// The digests on one path: in 16 lanes, one register of AVX-512 or two of AVX2 a word, or in 4.
fn run_on(path: Path, columns: &[Keys<'_>], rows: std::ops::Range<usize>, emit: impl FnMut(usize, Option<[u32; 4]>)) {
    match path {
        Path::Portable => gather::<4>(path, columns, rows, emit),
        #[cfg(target_arch = "x86_64")]
        _ => gather::<16>(path, columns, rows, emit),
    }
}

/// Calls `emit` with each row of `rows` and its key's digest, as four little-endian words, in any order; None for null.
pub fn digests(columns: &[Keys<'_>], rows: std::ops::Range<usize>, mut emit: impl FnMut(usize, Option<[u32; 4]>)) {
    if rows.len() >= KEYS_WORTH_LANES {
        return run_on(Path::widest(), columns, rows, emit);
    }
    for_each_compound(columns, rows, |row, form| match form {
        Canonical::Null => emit(row, None),
        Canonical::Word(word) => emit(row, Some(alone(&word.to_le_bytes()))),
        Canonical::Bytes(bytes) => emit(row, Some(alone(bytes))),
    });
}

/// The digest of one message, by the crate that does one at a time.
fn alone(bytes: &[u8]) -> [u32; 4] {
    let digest: [u8; 16] = ::md5::Md5::digest(bytes).into();
    let (words, _) = digest.as_chunks::<4>();
    std::array::from_fn(|word| u32::from_le_bytes(words[word]))
}

/// Keys of one number of blocks that wait for their lanes to fill.
struct Waiting<const L: usize> {
    blocks: Vec<Words<L>>,
    rows: [usize; L],
    count: usize,
    /// Words from here on hold nothing but the length in any lane.
    clean: usize,
}

impl<const L: usize> Waiting<L> {
    fn new(blocks: usize) -> Self {
        Self { blocks: vec![[[0; L]; 16]; blocks], rows: [0; L], count: 0, clean: 0 }
    }

    #[inline]
    fn put(&mut self, word: usize, value: u32) {
        self.blocks[word / 16][word % 16][self.count] = value;
    }

    /// Writes a padded key into the next lane; true if it was the last one.
    #[inline]
    #[allow(clippy::cast_possible_truncation)]
    fn push(&mut self, row: usize, bytes: &[u8]) -> bool {
        let (words, rest) = bytes.as_chunks::<4>();
        for (index, word) in words.iter().enumerate() {
            self.put(index, u32::from_le_bytes(*word));
        }
        // The bit that ends the message follows its last byte.
        let last = rest.iter().rev().fold(0x80, |last, byte| last << 8 | u32::from(*byte));
        self.put(words.len(), last);
        for index in words.len() + 1..self.clean {
            self.put(index, 0);
        }
        self.clean = self.clean.max(words.len() + 1);
        // Its length in bits, 64 of them; at most 247 bytes leave the upper 32 empty.
        self.put(self.blocks.len() * 16 - 2, bytes.len() as u32 * 8);
        self.rows[self.count] = row;
        self.count += 1;
        self.count == L
    }

    /// Digests what is there and hands it over.
    fn finish(&mut self, path: Path, emit: &mut impl FnMut(usize, Option<[u32; 4]>)) {
        let mut state = INITIAL.map(|word| [word; L]);
        for words in &self.blocks {
            lanes::run_on(path, Block { state: &mut state, words });
        }
        for (lane, row) in self.rows[..self.count].iter().enumerate() {
            emit(*row, Some(std::array::from_fn(|word| state[word][lane])));
        }
        self.count = 0;
    }
}

fn gather<const L: usize>(
    path: Path,
    columns: &[Keys<'_>],
    rows: std::ops::Range<usize>,
    mut emit: impl FnMut(usize, Option<[u32; 4]>),
) {
    let mut waiting: [Option<Waiting<L>>; BLOCKS_HIGH] = std::array::from_fn(|_| None);
    for_each_compound(columns, rows, |row, form| {
        let eight;
        let bytes = match form {
            Canonical::Null => return emit(row, None),
            Canonical::Bytes(bytes) => bytes,
            Canonical::Word(word) => {
                eight = word.to_le_bytes();
                &eight
            }
        };
        // A byte for the bit that ends the message, and eight for its length.
        let blocks = (bytes.len() + 9).div_ceil(64);
        let Some(group) = waiting.get_mut(blocks - 1) else { return emit(row, Some(alone(bytes))) };
        let group = group.get_or_insert_with(|| Waiting::new(blocks));
        if group.push(row, bytes) {
            group.finish(path, &mut emit);
        }
    });
    for group in waiting.iter_mut().flatten().filter(|group| group.count > 0) {
        group.finish(path, &mut emit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::Values;
    use proptest::prelude::*;

    /// The digests of messages on one path, by row.
    fn on(path: Path, messages: &[Vec<u8>]) -> Vec<[u32; 4]> {
        let mut offsets = vec![0];
        messages
            .iter()
            .for_each(|message| offsets.push(offsets[offsets.len() - 1] + i32::try_from(message.len()).unwrap()));
        let data = messages.concat();
        let keys = [Keys::new(Values::Bytes32 { offsets: &offsets, data: &data }, None, messages.len()).unwrap()];
        let mut found = vec![None; messages.len()];
        run_on(path, &keys, 0..messages.len(), |row, digest| {
            assert!(found[row].replace(digest.expect("no key is null")).is_none(), "row {row} comes twice");
        });
        found.into_iter().map(Option::unwrap).collect()
    }

    #[test]
    fn every_length_up_to_five_blocks_is_digested_alike_on_every_path() {
        // Twice through all lengths, falling and rising, so that lanes must be cleaned of longer keys.
        let lengths = (0..300_usize).rev().chain(0..300).chain([1_000, 3, 55, 56, 63, 64, 119, 120, 247, 248]);
        let messages: Vec<Vec<u8>> =
            lengths.map(|length| (0..length).map(|at| (at * 7 + length) as u8).collect()).collect();
        let expected: Vec<[u32; 4]> = messages.iter().map(|message| alone(message)).collect();
        for path in Path::available() {
            assert_eq!(on(path, &messages), expected, "{path:?}");
        }
    }

    #[test]
    fn the_examples_of_rfc_1321_match() {
        let examples = [
            ("", "d41d8cd98f00b204e9800998ecf8427e"),
            ("a", "0cc175b9c0f1b6a831c399e269772661"),
            ("message digest", "f96b697d7cb7938d525a2f31aaf161d0"),
            (
                "12345678901234567890123456789012345678901234567890123456789012345678901234567890",
                "57edf4a22be3c955ac49da2e2107b67a",
            ),
        ];
        let messages: Vec<Vec<u8>> = examples.iter().map(|(message, _)| message.as_bytes().to_vec()).collect();
        for path in Path::available() {
            for (digest, (_, expected)) in on(path, &messages).iter().zip(examples) {
                let hex: String =
                    digest.iter().flat_map(|word| word.to_le_bytes()).map(|byte| format!("{byte:02x}")).collect();
                assert_eq!(hex, expected, "{path:?}");
            }
        }
    }

    #[test]
    fn a_null_has_no_digest_and_few_keys_are_digested_one_by_one() {
        let bits = [0b1111_1101_u8];
        let words = [1_u64, 2, 3, 4, 5, 6, 7, 8];
        let validity = Some(crate::keys::Bitmap::new(&bits, 0, 8));
        let keys = [Keys::new(Values::U64(&words), validity, 8).unwrap()];
        for rows in [0..8, 1..3, 0..2, 3..3] {
            let mut seen = Vec::new();
            digests(&keys, rows.clone(), |row, digest| {
                assert_eq!(digest, (row != 1).then(|| alone(&words[row].to_le_bytes())));
                seen.push(row);
            });
            seen.sort_unstable();
            assert!(seen.into_iter().eq(rows));
        }
    }

    proptest! {
        #[test]
        fn lanes_agree_with_one_message_at_a_time(
            messages in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..150), 0..70),
        ) {
            let expected: Vec<[u32; 4]> = messages.iter().map(|message| alone(message)).collect();
            for path in Path::available() {
                prop_assert_eq!(on(path, &messages), expected.clone(), "{:?}", path);
            }
        }
    }
}
