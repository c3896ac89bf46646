//! The room of hash functions: keys in, fixed-width integers out.
//!
//! Every function sees the canonical bytes of a key ([`crate::keys`]), so one value hashes alike in
//! every type that can carry it. Results are stable for ever. A column is hashed by a loop that is
//! compiled once per function and type of column; a dictionary is hashed once per value.

pub mod crc16_xmodem;
pub mod digest;
pub mod md5;
pub mod murmur3_32;
pub mod murmur3_cassandra;
pub mod murmur3_spark;
pub mod postgres;
pub mod xxh32;
pub mod xxh3_64;
pub mod xxh64;

use crate::catalogue::Contender;
use crate::error::{Error, Result};
use crate::keys::{Canonical, Indices, Keys, Values, for_each_compound};
use crate::lanes::{self, Loop};
use crate::threads;

/// One hash function with its seed.
pub trait HashKey: Copy + Send + Sync {
    /// The hash of eight bytes, given as the little-endian integer that they spell.
    fn word(&self, word: u64) -> u64;
    /// The hash of any bytes.
    fn bytes(&self, bytes: &[u8]) -> u64;

    /// The hashes of the rows of `columns` from `first` on, as many as `out` has room for.
    fn rows(&self, columns: &[Keys<'_>], first: usize, null: u64, out: &mut [u64]) {
        hash_rows(columns, first, self, null, out);
    }
}

/// Rows whose words are hashed at a time: they stay in the nearest cache.
const WORDS_AT_ONCE: usize = 1024;

/// Replaces words by their hashes, in lanes where the function allows.
struct HashWords<'a, H: HashKey> {
    hasher: &'a H,
    words: &'a mut [u64],
}

impl<H: HashKey> Loop for HashWords<'_, H> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for word in self.words {
            *word = self.hasher.word(*word);
        }
    }
}

/// All contenders of this room.
pub const CONTENDERS: &[&Contender] = &[
    &xxh3_64::CONTENDER,
    &xxh64::CONTENDER,
    &xxh32::CONTENDER,
    &murmur3_32::CONTENDER,
    &murmur3_spark::CONTENDER,
    &murmur3_cassandra::CONTENDER,
    &crc16_xmodem::CONTENDER,
    &postgres::CONTENDER,
    &md5::CONTENDER,
    &IDENTITY,
];

/// The function that is none: unsigned 64-bit integers that are already hashed.
pub const IDENTITY: Contender = Contender {
    room: "hash",
    name: "identity",
    version: 1,
    idea: "Takes unsigned 64-bit integers as already hashed.",
    cost: "nothing",
    choose_when: "the keys are hashes, or a placement is to be checked against published vectors",
    source: "none",
    parameters: &[],
    abilities: &["64_bits"],
};

/// A hash function chosen by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HashFunction {
    /// XXH3 with 64 bits.
    Xxh3_64(xxh3_64::Xxh3_64),
    /// XXH64.
    Xxh64(xxh64::Xxh64),
    /// XXH32.
    Xxh32(xxh32::Xxh32),
    /// Murmur3 x86 with 32 bits.
    Murmur3_32(murmur3_32::Murmur3_32),
    /// Spark's Murmur3 with 32 bits.
    Murmur3Spark(murmur3_spark::Murmur3Spark),
    /// Cassandra's token.
    Murmur3Cassandra(murmur3_cassandra::Murmur3Cassandra),
    /// CRC-16/XMODEM of all bytes.
    Crc16Xmodem(crc16_xmodem::Crc16Xmodem),
    /// CRC-16/XMODEM of what Redis hashes of a key; it has no name, `redis_slots` chooses it.
    RedisKey(crc16_xmodem::RedisKey),
    /// PostgreSQL's hash of a partition key, by the column's type.
    Postgres(postgres::Postgres),
    /// The first 8 bytes of MD5, little-endian.
    Md5(md5::Md5),
    /// No hash: the key is one.
    Identity,
}

/// Calls `$body` with `$hasher` bound to the concrete function, so that loops are specialised.
macro_rules! with_function {
    ($function:expr, $hasher:ident => $body:expr, identity => $identity:expr) => {
        match $function {
            HashFunction::Xxh3_64($hasher) => $body,
            HashFunction::Xxh64($hasher) => $body,
            HashFunction::Xxh32($hasher) => $body,
            HashFunction::Murmur3_32($hasher) => $body,
            HashFunction::Murmur3Spark($hasher) => $body,
            HashFunction::Murmur3Cassandra($hasher) => $body,
            HashFunction::Crc16Xmodem($hasher) => $body,
            HashFunction::RedisKey($hasher) => $body,
            HashFunction::Postgres($hasher) => $body,
            HashFunction::Md5($hasher) => $body,
            HashFunction::Identity => $identity,
        }
    };
}

impl HashFunction {
    /// The function of this name with this seed.
    ///
    /// # Errors
    /// If the name is unknown, if the function takes no seed and `seed` is not 0, or if the seed is
    /// wider than the function's.
    pub fn parse(name: &str, seed: u64) -> Result<Self> {
        let narrow = || {
            u32::try_from(seed).map_err(|_| {
                Error::Parameter(format!("{name}: seed is {seed}; expected at most {} (32 bits)", u32::MAX))
            })
        };
        let function = match name {
            "xxh3_64" => Self::Xxh3_64(xxh3_64::Xxh3_64::new(seed)),
            "xxh64" => Self::Xxh64(xxh64::Xxh64::new(seed)),
            "xxh32" => Self::Xxh32(xxh32::Xxh32::new(narrow()?)),
            "murmur3_32" => Self::Murmur3_32(murmur3_32::Murmur3_32::new(narrow()?)),
            "murmur3_spark" => Self::Murmur3Spark(murmur3_spark::Murmur3Spark),
            "murmur3_cassandra" => Self::Murmur3Cassandra(murmur3_cassandra::Murmur3Cassandra),
            "crc16_xmodem" => Self::Crc16Xmodem(crc16_xmodem::Crc16Xmodem),
            "postgres" => Self::Postgres(postgres::Postgres),
            "md5" => Self::Md5(md5::Md5),
            "identity" => Self::Identity,
            _ => {
                return Err(Error::UnknownName {
                    thing: "hash function",
                    name: name.to_owned(),
                    known: CONTENDERS.iter().map(|contender| contender.name).collect::<Vec<_>>().join(", "),
                });
            }
        };
        if seed != 0 && !function.contender().can("seed") {
            return Err(Error::Parameter(format!(
                "{name} takes no seed, but seed is {seed}; leave it at 0 or choose xxh3_64"
            )));
        }
        Ok(function)
    }

    /// The catalogue's entry.
    #[must_use]
    pub fn contender(&self) -> &'static Contender {
        match self {
            Self::Xxh3_64(_) => &xxh3_64::CONTENDER,
            Self::Xxh64(_) => &xxh64::CONTENDER,
            Self::Xxh32(_) => &xxh32::CONTENDER,
            Self::Murmur3_32(_) => &murmur3_32::CONTENDER,
            Self::Murmur3Spark(_) => &murmur3_spark::CONTENDER,
            Self::Murmur3Cassandra(_) => &murmur3_cassandra::CONTENDER,
            Self::Crc16Xmodem(_) | Self::RedisKey(_) => &crc16_xmodem::CONTENDER,
            Self::Postgres(_) => &postgres::CONTENDER,
            Self::Md5(_) => &md5::CONTENDER,
            Self::Identity => &IDENTITY,
        }
    }

    /// The width of a hash in bits: 64, 32 or 16.
    #[must_use]
    pub fn bits(&self) -> u32 {
        match self.contender() {
            contender if contender.can("32_bits") => 32,
            contender if contender.can("16_bits") => 16,
            _ => 64,
        }
    }

    /// The hash of one byte string; the identity reads 8 little-endian bytes, and to PostgreSQL they are text.
    ///
    /// # Panics
    /// If the function is the identity and `bytes` are not 8.
    #[must_use]
    pub fn bytes(&self, bytes: &[u8]) -> u64 {
        with_function!(self, hasher => hasher.bytes(bytes),
            identity => u64::from_le_bytes(bytes.try_into().expect("identity takes 8 bytes")))
    }

    /// The hash of eight bytes, given as the little-endian integer that they spell; to PostgreSQL it is an integer.
    #[must_use]
    pub fn word(&self, word: u64) -> u64 {
        with_function!(self, hasher => hasher.word(word), identity => word)
    }

    /// The function for these columns: tags are looked for in one column of text or binary, and nowhere else.
    fn of_columns(self, columns: &[Keys<'_>]) -> Self {
        match (self, columns) {
            (Self::RedisKey(_), [column]) if is_text_or_binary(column) => self,
            (Self::RedisKey(_), _) => Self::Crc16Xmodem(crc16_xmodem::Crc16Xmodem),
            _ => self,
        }
    }

    fn check(&self, columns: &[Keys<'_>]) -> Result<()> {
        let unsigned = |keys: &Keys<'_>| match keys.values() {
            Values::U64(_) => true,
            Values::Dictionary { values, .. } => matches!(values.values(), Values::U64(_)),
            _ => false,
        };
        if *self == Self::Identity && !(columns.len() == 1 && unsigned(&columns[0])) {
            return Err(Error::UnsupportedType(
                "hash \"identity\" takes one column of type uint64, which is already hashed; \
                 cast the column, or choose xxh3_64"
                    .to_owned(),
            ));
        }
        Ok(())
    }
}

/// Whether a column is of text or binary, in itself or in its dictionary.
fn is_text_or_binary(column: &Keys<'_>) -> bool {
    match column.values() {
        Values::Bytes32 { .. } | Values::Bytes64 { .. } | Values::Views { .. } | Values::Fixed { .. } => true,
        Values::Dictionary { values, .. } => is_text_or_binary(values),
        _ => false,
    }
}

/// The hash of every row of `columns` as one key, on at most `threads` threads; a null key gives
/// `null`. One column is hashed as it is, several as framed compounds.
///
/// # Errors
/// If the function cannot take these columns.
pub fn hash_keys(
    columns: &[Keys<'_>],
    function: HashFunction,
    threads: usize,
    null: u64,
    out: &mut [u64],
) -> Result<()> {
    function.check(columns)?;
    if let HashFunction::Postgres(_) = function {
        return postgres::hash_columns(columns, threads, null, out);
    }
    with_function!(function.of_columns(columns),
        hasher => hash_with(columns, &hasher, threads, null, out),
        identity => threads::fill(out, threads, |first, part| {
            columns[0].for_each(first..first + part.len(), |row, form| {
                part[row - first] = if let Canonical::Word(word) = form { word } else { null };
            });
        })
    );
    Ok(())
}

/// The hash of each row from `first` on, as many as there is room for, in this thread; for callers that work block by
/// block. A dictionary's values are hashed row by row here.
///
/// # Errors
/// If the function cannot take these columns.
pub fn hash_block(
    columns: &[Keys<'_>],
    function: HashFunction,
    first: usize,
    null: u64,
    out: &mut [u64],
) -> Result<()> {
    function.check(columns)?;
    if let HashFunction::Postgres(_) = function {
        return postgres::hash_block(columns, first, null, out);
    }
    with_function!(function.of_columns(columns),
        hasher => hasher.rows(columns, first, null, out),
        identity => columns[0].for_each(first..first + out.len(), |row, form| {
            out[row - first] = if let Canonical::Word(word) = form { word } else { null };
        })
    );
    Ok(())
}

fn hash_with(columns: &[Keys<'_>], hasher: &impl HashKey, threads: usize, null: u64, out: &mut [u64]) {
    if let [column] = columns
        && let Values::Dictionary { indices, values } = column.values()
        && values.len() <= column.len()
    {
        let mut entries = vec![0; values.len()];
        hash_with(std::slice::from_ref(values), hasher, threads, null, &mut entries);
        gather(column, indices, &entries, threads, null, out);
        return;
    }
    threads::fill(out, threads, |first, part| hasher.rows(columns, first, null, part));
}

/// The hashes of the rows from `first` on, as many as there is room for.
fn hash_rows(columns: &[Keys<'_>], first: usize, hasher: &impl HashKey, null: u64, out: &mut [u64]) {
    if let [column] = columns
        && column.words(first..first, &mut [])
    {
        for (index, words) in out.chunks_mut(WORDS_AT_ONCE).enumerate() {
            let start = first + index * WORDS_AT_ONCE;
            column.words(start..start + words.len(), words);
            lanes::run(HashWords { hasher, words });
        }
        return;
    }
    for_each_compound(columns, first..first + out.len(), |row, form| {
        out[row - first] = match form {
            Canonical::Word(word) => hasher.word(word),
            Canonical::Bytes(bytes) => hasher.bytes(bytes),
            Canonical::Null => null,
        };
    });
}

/// A dictionary's rows from what was computed once per value.
fn gather(column: &Keys<'_>, indices: &Indices<'_>, entries: &[u64], threads: usize, null: u64, out: &mut [u64]) {
    threads::fill(out, threads, |first, part| {
        for (index, slot) in part.iter_mut().enumerate() {
            let row = first + index;
            *slot = if column.is_null(row) { null } else { entries[indices.get(row)] };
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::Bitmap;
    use proptest::prelude::*;

    fn functions() -> Vec<HashFunction> {
        ["xxh3_64", "xxh64", "xxh32", "murmur3_32", "murmur3_spark", "murmur3_cassandra", "crc16_xmodem", "md5"]
            .iter()
            .flat_map(|name| [0, 42].map(|seed| HashFunction::parse(name, seed)))
            .flatten()
            .collect()
    }

    proptest! {
        #[test]
        fn a_word_hashes_as_its_eight_bytes(word: u64) {
            for function in functions() {
                prop_assert_eq!(function.word(word), function.bytes(&word.to_le_bytes()), "{:?}", function);
            }
        }

        #[test]
        fn a_column_hashes_as_its_keys_one_by_one(keys in proptest::collection::vec(any::<Option<i64>>(), 0..300), threads in 1_usize..4) {
            let values: Vec<i64> = keys.iter().map(|key| key.unwrap_or(9)).collect();
            let mut bits = vec![0_u8; keys.len().div_ceil(8)];
            for (row, key) in keys.iter().enumerate() {
                bits[row / 8] |= u8::from(key.is_some()) << (row % 8);
            }
            let column = Keys::new(Values::I64(&values), Some(Bitmap::new(&bits, 0, keys.len())), keys.len()).unwrap();
            for function in functions() {
                let mut out = vec![1; keys.len()];
                hash_keys(std::slice::from_ref(&column), function, threads, 77, &mut out).unwrap();
                for (key, hash) in keys.iter().zip(&out) {
                    prop_assert_eq!(*hash, key.map_or(77, |key| function.bytes(&key.to_le_bytes())));
                }
            }
        }
    }

    #[test]
    fn a_block_of_rows_hashes_as_they_do_among_all_whatever_the_function_and_the_columns() {
        let (bits, floats, words) =
            ([0b0110_1101_u8], [0.0, 1.5, -2.0, f64::NAN, 1e9, -0.0, 7.0], [1, 2, 3, 4, 5, 6, 7]);
        let validity = Some(Bitmap::new(&bits, 0, 7));
        let data = "{tag}ab{tag}cd{}foo";
        let text = Values::Bytes32 { offsets: &[0, 7, 14, 16, 19, 19, 19, 19], data: data.as_bytes() };
        let entries = Keys::new(text.clone(), None, 7).unwrap();
        let dictionary = Values::Dictionary { indices: Indices::I8(&[6, 0, 1, 1, 2, 3, 0]), values: Box::new(entries) };
        let columns = [
            Keys::new(Values::F64(&floats), validity, 7).unwrap(),
            Keys::new(Values::Boolean(Bitmap::new(&bits, 1, 7)), validity, 7).unwrap(),
            Keys::from_words(&words),
            Keys::new(text, validity, 7).unwrap(),
            Keys::new(dictionary, None, 7).unwrap(),
        ];
        let named = ["postgres", "identity"].map(|name| HashFunction::parse(name, 0).unwrap());
        let redis = HashFunction::RedisKey(crc16_xmodem::RedisKey);
        for function in functions().into_iter().chain(named).chain([redis]) {
            let sets = columns.iter().map(|column| vec![column.clone()]).chain([columns.to_vec()]);
            for columns in sets.filter(|columns| function.check(columns).is_ok()) {
                let (mut all, mut blocks) = ([9; 7], [9; 7]);
                hash_keys(&columns, function, 1, 77, &mut all).unwrap();
                for (first, part) in [(0, 0..2), (2, 2..3), (3, 3..7)] {
                    hash_block(&columns, function, first, 77, &mut blocks[part]).unwrap();
                }
                assert_eq!(all, blocks, "{function:?} of {columns:?}");
            }
        }
    }

    #[test]
    fn words_in_lanes_hash_as_one_by_one_on_every_path() {
        let words: Vec<u64> = (0..1000_u64).map(|word| word.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ word).collect();
        for function in functions() {
            for path in lanes::Path::available() {
                let mut hashed = words.clone();
                with_function!(function,
                    hasher => lanes::run_on(path, HashWords { hasher: &hasher, words: &mut hashed }),
                    identity => ());
                assert!(words.iter().zip(&hashed).all(|(word, hash)| function.word(*word) == *hash), "{path:?}");
            }
        }
    }

    #[test]
    fn a_seed_on_an_unseeded_function_is_refused() {
        for name in ["md5", "identity", "murmur3_spark", "murmur3_cassandra", "crc16_xmodem", "postgres"] {
            let error = HashFunction::parse(name, 3).unwrap_err().to_string();
            assert!(error.contains("takes no seed"), "{error}");
        }
        assert!(HashFunction::parse("xxh32", 1 << 40).unwrap_err().to_string().contains("32 bits"));
        assert!(HashFunction::parse("xxh5", 0).unwrap_err().to_string().contains("xxh3_64"));
    }

    #[test]
    fn the_identity_takes_only_unsigned_words() {
        let signed = Keys::new(Values::I64(&[1]), None, 1).unwrap();
        let mut out = [0];
        assert!(hash_keys(&[signed], HashFunction::Identity, 1, 0, &mut out).is_err());
        hash_keys(&[Keys::from_words(&[5])], HashFunction::Identity, 1, 0, &mut out).unwrap();
        assert_eq!(out, [5]);
    }
}
