//! Borrowed bitmaps: which rows of a column are there, and columns of booleans.

/// A borrowed bitmap, least significant bit first, that begins at bit `offset`.
#[derive(Debug, Clone, Copy)]
pub struct Bitmap<'a> {
    bytes: &'a [u8],
    offset: usize,
    len: usize,
}

impl<'a> Bitmap<'a> {
    /// A bitmap of `len` bits that begins at bit `offset` of `bytes`.
    ///
    /// # Panics
    /// If `bytes` is too short.
    #[must_use]
    pub fn new(bytes: &'a [u8], offset: usize, len: usize) -> Self {
        assert!(bytes.len() * 8 >= offset + len, "a bitmap of {} bytes is too short", bytes.len());
        Self { bytes, offset, len }
    }

    /// The bit of `row`.
    #[inline]
    #[must_use]
    pub fn get(&self, row: usize) -> bool {
        let bit = self.offset + row;
        self.bytes[bit >> 3] >> (bit & 7) & 1 == 1
    }

    /// The number of bits.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// 64 bits from `row` on; those beyond the last are zero.
    #[inline]
    #[must_use]
    pub fn word(&self, row: usize) -> u64 {
        let count = self.len.saturating_sub(row).min(64);
        if count == 0 {
            return 0;
        }
        let (start, shift) = ((self.offset + row) >> 3, (self.offset + row) & 7);
        let mut bytes = [0_u8; 16];
        let there = (shift + count).div_ceil(8);
        bytes[..there].copy_from_slice(&self.bytes[start..start + there]);
        #[allow(clippy::cast_possible_truncation)]
        let word = (u128::from_le_bytes(bytes) >> shift) as u64;
        if count == 64 { word } else { word & ((1 << count) - 1) }
    }

    /// The bits as owned bytes from bit 0 on; bits beyond the last are zero.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let (start, shift) = (self.offset >> 3, self.offset & 7);
        let byte = |at: usize| u16::from(self.bytes.get(at).copied().unwrap_or(0));
        #[allow(clippy::cast_possible_truncation)]
        let mut bytes: Vec<u8> =
            (start..start + self.len.div_ceil(8)).map(|at| ((byte(at) | byte(at + 1) << 8) >> shift) as u8).collect();
        if let (Some(last), 1..) = (bytes.last_mut(), self.len & 7) {
            *last &= (1 << (self.len & 7)) - 1;
        }
        bytes
    }

    /// Whether there are no bits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}
