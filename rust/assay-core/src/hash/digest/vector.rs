//! A word of each of many messages: what compression functions are written over.
//!
//! A digest reads words, adds, rotates and selects; [`Vector`] is such a word for as many messages as a
//! register has lanes, so that one text of a compression function serves every width. [`Few`] is an array
//! that compilers put into the vectors that every processor of the architecture has; wider ones are in
//! [`super::x86`]; [`Pair`] is two registers side by side, for functions whose steps wait for one another.

/// A word of a digest: 32 or 64 bits.
pub trait Word: Copy {
    /// The bytes of a word.
    const BYTES: usize;

    /// The lowest bits of a number.
    fn low(number: u64) -> Self;
    /// What [`Word::low`] leaves over.
    fn high(number: u64) -> Self;
    /// The words that little-endian bytes spell, with zeros for those that are missing.
    fn from_bytes(bytes: &[u8]) -> Self;
    /// Its little-endian bytes, at `at`.
    fn write(self, at: &mut [u8]);
}

macro_rules! word {
    ($kind:ty, $high:expr) => {
        impl Word for $kind {
            const BYTES: usize = size_of::<$kind>();

            #[inline(always)]
            #[allow(clippy::cast_possible_truncation)]
            fn low(number: u64) -> Self {
                number as $kind
            }

            #[inline(always)]
            #[allow(clippy::cast_possible_truncation)]
            fn high(number: u64) -> Self {
                let high: fn(u64) -> u64 = $high;
                high(number) as $kind
            }

            #[inline(always)]
            fn from_bytes(bytes: &[u8]) -> Self {
                let [word, ..] = bytes.as_chunks().0 else { unreachable!("a word's bytes are there") };
                Self::from_le_bytes(*word)
            }

            #[inline(always)]
            fn write(self, at: &mut [u8]) {
                *at.first_chunk_mut().expect("there is room for a word") = self.to_le_bytes();
            }
        }
    };
}

word!(u32, |number| number >> 32);
word!(u64, |_| 0);

/// The widest digest's bytes; narrower ones leave the rest as it is.
pub type Digested = [u8; 64];

/// The end of a message within a block: the bytes left, fewer than a block has or all, and whether the message ends
/// right after them, or went on to its end in an earlier block.
#[derive(Debug, Clone, Copy)]
pub struct Tail<'a> {
    /// At most a block of bytes.
    pub bytes: &'a [u8],
    /// Whether the byte 0x80 follows, if there is room for it.
    pub ends: bool,
}

/// One word for each of `LANES` messages.
pub trait Vector: Copy {
    /// The kind of word.
    type Word: Word;
    /// How many messages.
    const LANES: usize;

    /// The same word in all lanes.
    fn splat(word: Self::Word) -> Self;
    /// A word for each lane.
    fn from_fn(word: impl Fn(usize) -> Self::Word + Copy) -> Self;
    /// Sums, modulo 2^32 or 2^64.
    fn add(self, other: Self) -> Self;
    /// Exclusive or.
    fn xor(self, other: Self) -> Self;
    /// Bits of `self` where `mask` has ones, of `other` elsewhere.
    fn select(self, other: Self, mask: Self) -> Self;
    /// Rotation to the right.
    fn rotate<const BITS: u32>(self) -> Self;
    /// Shift to the right, zeros from the left.
    fn shift<const BITS: u32>(self) -> Self;
    /// The bytes of each word, reversed.
    fn reverse(self) -> Self;

    /// Exclusive or of three.
    #[inline(always)]
    fn parity(self, y: Self, z: Self) -> Self {
        self.xor(y).xor(z)
    }

    /// The value that at least two of three bits have.
    #[inline(always)]
    fn majority(self, y: Self, z: Self) -> Self {
        // Where x and y agree they are the majority, and z tells elsewhere.
        z.select(self, self.xor(y))
    }

    /// y ^ (x | !z): the function of MD5's last round.
    fn unlike(x: Self, y: Self, z: Self) -> Self;

    /// Reads a block of each message, 16 little-endian words; rows have as many bytes.
    fn load<'a>(row: impl Fn(usize) -> &'a [u8] + Copy, words: &mut [Self; 16]);
    /// As [`Vector::load`] where messages end: what is missing is zeros, after 0x80 if `MARK` and the message ends here.
    fn load_tail<'a, const MARK: bool>(row: impl Fn(usize) -> Tail<'a> + Copy, words: &mut [Self; 16]);
    /// Writes 16 bytes of each digest, at `at`: two or four little-endian words of each.
    fn store(words: &[Self], at: usize, out: &mut [Digested]);
    /// Writes one word of each digest, at `at`.
    fn store_word(self, at: usize, out: &mut [Digested]);
}

/// Writes a block with what follows the message's end into room for it.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub fn pad<const MARK: bool>(tail: Tail<'_>, room: &mut [u8]) {
    let (bytes, rest) = room.split_at_mut(tail.bytes.len());
    bytes.copy_from_slice(tail.bytes);
    rest.fill(0);
    if let (true, Some(first)) = (MARK && tail.ends, rest.first_mut()) {
        *first = 0x80;
    }
}

/// A few words in an array.
#[derive(Debug, Clone, Copy)]
pub struct Few<W, const LANES: usize>([W; LANES]);

/// An array by its lanes.
macro_rules! each {
    ($lane:ident => $word:expr) => {{
        let mut words = Self::splat(0);
        for $lane in 0..Self::LANES {
            words.0[$lane] = $word;
        }
        words
    }};
}

// Loops rather than closures here and in the kernels: a closure is a function, and one that is compiled by itself is
// compiled without the wide instructions.
macro_rules! few {
    ($kind:ty, $lanes:literal) => {
        impl Vector for Few<$kind, $lanes> {
            type Word = $kind;
            const LANES: usize = $lanes;

            #[inline(always)]
            fn splat(word: $kind) -> Self {
                Self([word; $lanes])
            }

            #[inline(always)]
            fn from_fn(word: impl Fn(usize) -> $kind + Copy) -> Self {
                each!(lane => word(lane))
            }

            #[inline(always)]
            fn add(self, other: Self) -> Self {
                each!(lane => self.0[lane].wrapping_add(other.0[lane]))
            }

            #[inline(always)]
            fn xor(self, other: Self) -> Self {
                each!(lane => self.0[lane] ^ other.0[lane])
            }

            #[inline(always)]
            fn select(self, other: Self, mask: Self) -> Self {
                each!(lane => ((self.0[lane] ^ other.0[lane]) & mask.0[lane]) ^ other.0[lane])
            }

            #[inline(always)]
            fn rotate<const BITS: u32>(self) -> Self {
                each!(lane => self.0[lane].rotate_right(BITS))
            }

            #[inline(always)]
            fn shift<const BITS: u32>(self) -> Self {
                each!(lane => self.0[lane] >> BITS)
            }

            #[inline(always)]
            fn reverse(self) -> Self {
                each!(lane => self.0[lane].swap_bytes())
            }

            #[inline(always)]
            fn unlike(x: Self, y: Self, z: Self) -> Self {
                each!(lane => y.0[lane] ^ (x.0[lane] | !z.0[lane]))
            }

            #[inline(always)]
            fn load<'a>(row: impl Fn(usize) -> &'a [u8] + Copy, words: &mut [Self; 16]) {
                for lane in 0..$lanes {
                    let row = &row(lane)[..16 * size_of::<$kind>()];
                    for (word, bytes) in words.iter_mut().zip(row.chunks_exact(size_of::<$kind>())) {
                        word.0[lane] = <$kind>::from_bytes(bytes);
                    }
                }
            }

            #[inline(always)]
            fn load_tail<'a, const MARK: bool>(row: impl Fn(usize) -> Tail<'a> + Copy, words: &mut [Self; 16]) {
                *words = [Self([0; $lanes]); 16];
                for lane in 0..$lanes {
                    let Tail { bytes, ends } = row(lane);
                    let mut whole = bytes.chunks_exact(size_of::<$kind>());
                    let mut count = 0;
                    for bytes in whole.by_ref() {
                        words[count].0[lane] = <$kind>::from_bytes(bytes);
                        count += 1;
                    }
                    let mark = <$kind>::from(u8::from(MARK && ends) << 7);
                    let last = whole.remainder().iter().rev().fold(mark, |last, byte| last << 8 | <$kind>::from(*byte));
                    if count < 16 {
                        words[count].0[lane] = last;
                    }
                }
            }

            #[inline(always)]
            fn store(words: &[Self], at: usize, out: &mut [Digested]) {
                for (index, word) in words.iter().enumerate() {
                    word.store_word(at + index * size_of::<$kind>(), out);
                }
            }

            #[inline(always)]
            fn store_word(self, at: usize, out: &mut [Digested]) {
                for (lane, out) in out.iter_mut().enumerate().take($lanes) {
                    self.0[lane].write(&mut out[at..at + size_of::<$kind>()]);
                }
            }
        }
    };
}

few!(u32, 4);
few!(u64, 2);

/// Two vectors side by side, of the wide registers.
#[cfg(target_arch = "x86_64")]
#[derive(Debug, Clone, Copy)]
pub struct Pair<V>(V, V);

#[cfg(target_arch = "x86_64")]
impl<V: Vector> Vector for Pair<V> {
    type Word = V::Word;
    const LANES: usize = 2 * V::LANES;

    #[inline(always)]
    fn splat(word: Self::Word) -> Self {
        let one = V::splat(word);
        Self(one, one)
    }

    #[inline(always)]
    fn from_fn(word: impl Fn(usize) -> Self::Word + Copy) -> Self {
        Self(V::from_fn(word), V::from_fn(move |lane| word(V::LANES + lane)))
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self(self.0.add(other.0), self.1.add(other.1))
    }

    #[inline(always)]
    fn xor(self, other: Self) -> Self {
        Self(self.0.xor(other.0), self.1.xor(other.1))
    }

    #[inline(always)]
    fn select(self, other: Self, mask: Self) -> Self {
        Self(self.0.select(other.0, mask.0), self.1.select(other.1, mask.1))
    }

    #[inline(always)]
    fn rotate<const BITS: u32>(self) -> Self {
        Self(self.0.rotate::<BITS>(), self.1.rotate::<BITS>())
    }

    #[inline(always)]
    fn shift<const BITS: u32>(self) -> Self {
        Self(self.0.shift::<BITS>(), self.1.shift::<BITS>())
    }

    #[inline(always)]
    fn reverse(self) -> Self {
        Self(self.0.reverse(), self.1.reverse())
    }

    #[inline(always)]
    fn parity(self, y: Self, z: Self) -> Self {
        Self(self.0.parity(y.0, z.0), self.1.parity(y.1, z.1))
    }

    #[inline(always)]
    fn majority(self, y: Self, z: Self) -> Self {
        Self(self.0.majority(y.0, z.0), self.1.majority(y.1, z.1))
    }

    #[inline(always)]
    fn unlike(x: Self, y: Self, z: Self) -> Self {
        Self(V::unlike(x.0, y.0, z.0), V::unlike(x.1, y.1, z.1))
    }

    #[inline(always)]
    fn load<'a>(row: impl Fn(usize) -> &'a [u8] + Copy, words: &mut [Self; 16]) {
        let mut half = [V::splat(V::Word::low(0)); 16];
        V::load(row, &mut half);
        for word in 0..16 {
            words[word].0 = half[word];
        }
        V::load(move |lane| row(V::LANES + lane), &mut half);
        for word in 0..16 {
            words[word].1 = half[word];
        }
    }

    #[inline(always)]
    fn load_tail<'a, const MARK: bool>(row: impl Fn(usize) -> Tail<'a> + Copy, words: &mut [Self; 16]) {
        let mut half = [V::splat(V::Word::low(0)); 16];
        V::load_tail::<MARK>(row, &mut half);
        for word in 0..16 {
            words[word].0 = half[word];
        }
        V::load_tail::<MARK>(move |lane| row(V::LANES + lane), &mut half);
        for word in 0..16 {
            words[word].1 = half[word];
        }
    }

    #[inline(always)]
    fn store(words: &[Self], at: usize, out: &mut [Digested]) {
        let (first, second) = out.split_at_mut(V::LANES);
        let (mut low, mut high) = ([words[0].0; 4], [words[0].1; 4]);
        for (word, found) in words.iter().enumerate() {
            (low[word], high[word]) = (found.0, found.1);
        }
        V::store(&low[..words.len()], at, first);
        V::store(&high[..words.len()], at, second);
    }

    #[inline(always)]
    fn store_word(self, at: usize, out: &mut [Digested]) {
        let (first, second) = out.split_at_mut(V::LANES);
        self.0.store_word(at, first);
        self.1.store_word(at, second);
    }
}
