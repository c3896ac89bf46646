//! Arithmetic of polynomials over GF(2), modulo that of a CRC.
//!
//! A polynomial of degree below the width w is reflected: bit i is the coefficient of x^(w - 1 - i), as in
//! everything that CRCs of this kind print. Source: Gopal et al. 2009; Mark Adler, `crc32_combine` of zlib 1.2.12.

/// A CRC's polynomial and what follows from it.
#[derive(Debug)]
pub struct Field {
    /// The polynomial without its highest term, reflected.
    polynomial: u64,
    /// Its degree, 32 or 64.
    width: u32,
    /// Remainders of a byte followed by 0 to 7 zero bytes, for eight bytes at a time.
    table: [[u64; 256]; 8],
    /// x^(8 * 2^k).
    bytes: [u64; 64],
}

impl Field {
    /// The field of a reflected polynomial.
    #[must_use]
    pub const fn new(polynomial: u64, width: u32) -> Self {
        let mut made = Self { polynomial, width, table: [[0; 256]; 8], bytes: [0; 64] };
        let mut byte = 0;
        while byte < 256 {
            let (mut state, mut bit) = (byte as u64, 0);
            while bit < 8 {
                state = made.times_x(state);
                bit += 1;
            }
            made.table[0][byte] = state;
            byte += 1;
        }
        let mut zeros = 1;
        while zeros < 8 {
            byte = 0;
            while byte < 256 {
                let before = made.table[zeros - 1][byte];
                made.table[zeros][byte] = (before >> 8) ^ made.table[0][(before & 0xff) as usize];
                byte += 1;
            }
            zeros += 1;
        }
        made.bytes[0] = made.power(8);
        let mut k = 1;
        while k < 64 {
            made.bytes[k] = made.times(made.bytes[k - 1], made.bytes[k - 1]);
            k += 1;
        }
        made
    }

    /// All coefficients one: what a CRC begins with and ends by.
    #[must_use]
    pub const fn ones(&self) -> u64 {
        u64::MAX >> (64 - self.width)
    }

    const fn times_x(&self, value: u64) -> u64 {
        // The highest coefficient is bit 0.
        (value >> 1) ^ (self.polynomial * (value & 1))
    }

    const fn times(&self, left: u64, mut right: u64) -> u64 {
        let (mut found, mut bit) = (0, self.width);
        while bit > 0 {
            bit -= 1;
            found ^= right * (left >> bit & 1);
            right = self.times_x(right);
        }
        found
    }

    /// x^exponent.
    #[must_use]
    pub const fn power(&self, exponent: u32) -> u64 {
        let (mut found, mut done) = (1 << (self.width - 1), 0);
        while done < exponent {
            found = self.times_x(found);
            done += 1;
        }
        found
    }

    /// x^exponent in the upper bits of a word, as carry-less products take it.
    #[must_use]
    pub const fn wide_power(&self, exponent: u32) -> u64 {
        self.power(exponent) << (64 - self.width)
    }

    /// The CRC of bytes with CRC `left`, followed by `right_bytes` bytes with CRC `right`.
    #[must_use]
    pub fn combine(&self, left: u64, right: u64, right_bytes: u64) -> u64 {
        let mut shifted = left;
        for k in (0..64).filter(|k| right_bytes >> k & 1 == 1) {
            shifted = self.times(self.bytes[k], shifted);
        }
        shifted ^ right
    }

    /// The state after `bytes`, eight at a time by tables.
    #[must_use]
    pub fn by_table(&self, mut state: u64, bytes: &[u8]) -> u64 {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            let mixed = (u64::from_le_bytes(*word) ^ state).to_le_bytes();
            state = (0..8).fold(0, |found, at| found ^ self.table[7 - at][usize::from(mixed[at])]);
        }
        for byte in rest {
            state = (state >> 8) ^ self.table[0][usize::from(state as u8 ^ byte)];
        }
        state
    }
}
