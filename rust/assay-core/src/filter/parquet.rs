//! The header of a Bloom filter within a Parquet file.
//!
//! `BloomFilterHeader` is Thrift's compact protocol: {1: i32 numBytes, 2: algorithm, 3: hash, 4: compression}, each of the
//! last three a union whose one field says which. Only the split block, XXH64 and no compression exist. The reader is
//! bounded: it copies nothing, and refuses what is longer or deeper than any header is.
//! Source: Apache Parquet, `parquet.thrift`, `BloomFilter.md`; Thrift, "Compact protocol encoding".

use crate::error::{Error, Result};
use crate::filter::split_block::BLOCKS_HIGH;

/// A header takes about 15 bytes; room for fields of later versions.
pub const HEADER_BYTES_HIGH: usize = 1024;
/// Structs within structs.
const DEPTH_HIGH: usize = 8;

/// The length of a header, and of the bitset behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// Bytes of the header.
    pub header_bytes: usize,
    /// Bytes of the bitset.
    pub bitset_bytes: usize,
}

fn wrong(message: impl std::fmt::Display) -> Error {
    Error::Corrupt(format!("this is no Bloom filter of Parquet: {message}"))
}

/// Thrift's types in the compact protocol.
mod kind {
    pub const STOP: u8 = 0;
    pub const TRUE: u8 = 1;
    pub const FALSE: u8 = 2;
    pub const BYTE: u8 = 3;
    pub const I16: u8 = 4;
    pub const I32: u8 = 5;
    pub const I64: u8 = 6;
    pub const DOUBLE: u8 = 7;
    pub const BINARY: u8 = 8;
    pub const LIST: u8 = 9;
    pub const SET: u8 = 10;
    pub const STRUCT: u8 = 12;
}

struct Reader<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl Reader<'_> {
    fn byte(&mut self) -> Result<u8> {
        let byte = self.bytes.get(self.at).ok_or_else(|| wrong("its header is cut off"))?;
        self.at += 1;
        Ok(*byte)
    }

    fn varint(&mut self) -> Result<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(wrong("a number of its header has no end"))
    }

    #[allow(clippy::cast_possible_wrap)]
    fn zigzag(&mut self) -> Result<i64> {
        let value = self.varint()?;
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    fn skip_bytes(&mut self, count: u64) -> Result<()> {
        let left = (self.bytes.len() - self.at) as u64;
        if count > left {
            return Err(wrong("its header is cut off"));
        }
        self.at += usize::try_from(count).expect("no more than is there");
        Ok(())
    }

    /// The number and the type of the next field; None at the end of a struct.
    fn field(&mut self, last: &mut i64) -> Result<Option<(i64, u8)>> {
        let head = self.byte()?;
        if head & 15 == kind::STOP {
            return if head == 0 { Ok(None) } else { Err(wrong("a field of its header has no type")) };
        }
        *last = if head >> 4 == 0 { self.zigzag()? } else { last.saturating_add(i64::from(head >> 4)) };
        Ok(Some((*last, head & 15)))
    }

    fn skip(&mut self, of: u8, depth: usize) -> Result<()> {
        if depth == 0 {
            return Err(wrong("its header is nested too deeply"));
        }
        match of {
            kind::TRUE | kind::FALSE => Ok(()),
            kind::BYTE => self.skip_bytes(1),
            kind::I16 | kind::I32 | kind::I64 => self.varint().map(|_| ()),
            kind::DOUBLE => self.skip_bytes(8),
            kind::BINARY => {
                let length = self.varint()?;
                self.skip_bytes(length)
            }
            kind::LIST | kind::SET => {
                let head = self.byte()?;
                let count = if head >> 4 == 15 { self.varint()? } else { u64::from(head >> 4) };
                if count > self.bytes.len() as u64 {
                    return Err(wrong("a list of its header is longer than the header"));
                }
                // In a list, a bool takes a byte.
                let of = if matches!(head & 15, kind::TRUE | kind::FALSE) { kind::BYTE } else { head & 15 };
                (0..count).try_for_each(|_| self.skip(of, depth - 1))
            }
            kind::STRUCT => {
                let mut last = 0;
                while let Some((_, of)) = self.field(&mut last)? {
                    self.skip(of, depth - 1)?;
                }
                Ok(())
            }
            _ => Err(wrong("a field of its header is of an unknown type")),
        }
    }

    /// The number of a union's one field.
    fn union(&mut self) -> Result<i64> {
        let (mut last, mut found) = (0, None);
        while let Some((number, of)) = self.field(&mut last)? {
            if found.replace(number).is_some() {
                return Err(wrong("a choice of its header is made twice"));
            }
            self.skip(of, DEPTH_HIGH)?;
        }
        found.ok_or_else(|| wrong("a choice of its header is not made"))
    }
}

/// Reads the header that `bytes` begin with; what follows it is not looked at.
///
/// # Errors
/// If there is no header, it is cut off, or it asks for an algorithm, a hash or a compression that the format does not have.
pub fn read_header(bytes: &[u8]) -> Result<Layout> {
    let mut reader = Reader { bytes: &bytes[..bytes.len().min(HEADER_BYTES_HIGH)], at: 0 };
    let (mut last, mut bitset) = (0, None);
    let mut choices = [None; 3];
    while let Some((number, of)) = reader.field(&mut last)? {
        match (number, of) {
            (1, kind::I32) => bitset = Some(reader.zigzag()?),
            (2..=4, kind::STRUCT) => {
                let choice = reader.union()?;
                let index = usize::try_from(number - 2).expect("2 to 4");
                choices[index] = Some(choice);
            }
            _ => reader.skip(of, DEPTH_HIGH)?,
        }
    }
    for (choice, what) in choices.into_iter().zip(["algorithm", "hash", "compression"]) {
        match choice {
            Some(1) => {}
            Some(other) => return Err(wrong(format!("its {what} is number {other}; the format has only number 1"))),
            None => return Err(wrong(format!("its header names no {what}"))),
        }
    }
    let size = bitset.ok_or_else(|| wrong("its header names no size"))?;
    let blocks = u64::try_from(size).ok().filter(|size| size.is_multiple_of(32)).map(|size| size / 32);
    match blocks {
        Some(blocks) if (1..=BLOCKS_HIGH).contains(&blocks) => {
            let bitset_bytes = usize::try_from(size).expect("below 2 GiB");
            Ok(Layout { header_bytes: reader.at, bitset_bytes })
        }
        _ => Err(wrong(format!("its size is {size} bytes; expected a multiple of 32, below 2 GiB"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What pyarrow writes before a bitset of one block.
    const ONE_BLOCK: [u8; 15] = [0x15, 0x40, 0x1c, 0x1c, 0, 0, 0x1c, 0x1c, 0, 0, 0x1c, 0x1c, 0, 0, 0];

    #[test]
    fn a_header_is_read_and_what_follows_is_left() {
        let expected = Layout { header_bytes: 15, bitset_bytes: 32 };
        assert_eq!(read_header(&[ONE_BLOCK.as_slice(), &[0xff; 40]].concat()).unwrap(), expected);
        // Fields of later versions: a list of bools, a double, text, a nested struct, a set of texts.
        let later: &[u8] = &[
            &[0x19, 0x21, 1, 2][..],
            &[0x17, 0, 0, 0, 0, 0, 0, 0, 0],
            &[0x18, 2, b'a', b'b'],
            &[0x1c, 0x15, 2, 0x11, 0],
            &[0x1a, 0x18, 1, b'x'],
            &[0],
        ]
        .concat();
        let bytes = [&ONE_BLOCK[..14], later].concat();
        assert_eq!(read_header(&bytes).unwrap(), Layout { header_bytes: bytes.len(), bitset_bytes: 32 });
    }

    #[test]
    fn headers_that_the_format_does_not_have_are_refused() {
        let with = |at: usize, value: u8| {
            let mut bytes = ONE_BLOCK;
            bytes[at] = value;
            read_header(&bytes).unwrap_err().to_string()
        };
        assert!(with(1, 0x3e).contains("multiple of 32"));
        assert!(with(1, 0).contains("multiple of 32"));
        assert!(with(1, 1).contains("multiple of 32"));
        assert!(with(3, 0x2c).contains("algorithm is number 2"));
        assert!(with(7, 0x2c).contains("hash is number 2"));
        assert!(with(0, 0x25).contains("names no"));
        assert!(read_header(&[0]).unwrap_err().to_string().contains("names no algorithm"));
        // A size of 2 GiB and more, a number without an end, a list that claims a billion entries.
        assert!(read_header(&[&[0x15, 0x80, 0x80, 0x80, 0x80, 0x10], &ONE_BLOCK[2..]].concat()).is_err());
        assert!(read_header(&[0x15; 1]).is_err() && read_header(&[0xff; 30]).is_err());
        assert!(read_header(&[0x19, 0xf5, 0x80, 0x94, 0xeb, 0xdc, 3, 0]).is_err());
        assert!(read_header(&[0x1c; 2000]).unwrap_err().to_string().contains("Bloom filter of Parquet"));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused_within_their_length(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            if let Ok(found) = read_header(&bytes) {
                prop_assert!(found.header_bytes <= bytes.len() && found.bitset_bytes < 1 << 31);
            }
        }

        #[test]
        fn a_changed_or_cut_header_is_read_or_refused(at in 0_usize..15, value: u8) {
            let mut bytes = ONE_BLOCK;
            bytes[at] = value;
            let _ = read_header(&bytes);
            prop_assert!(read_header(&ONE_BLOCK[..at]).is_err());
        }
    }
}
