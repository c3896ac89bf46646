//! What the targets share: checksums made right again, so that what is behind them is reached.

use assay_core::checksum::{Algorithm, Value, checksum};

const FILTER_HEADER_BYTES: usize = 64;
const WORD: usize = 8;

fn seal(bytes: &mut [u8], from: usize, at: usize) {
    let xxh3 = Algorithm::parse("xxh3_64").expect("it is in the table");
    let Value::Word(word) = checksum(&bytes[from..at], xxh3, 1) else { unreachable!("XXH3 is a word") };
    bytes[at..at + WORD].copy_from_slice(&word.to_le_bytes());
}

/// The bytes with the last eight made their checksum, as in stored trees; None if they are too few.
#[must_use]
pub fn sealed(data: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = data.to_vec();
    let end = bytes.len().checked_sub(WORD)?;
    seal(&mut bytes, 0, end);
    Some(bytes)
}

/// The bytes with both checksums and the payload's length made right, as in stored filters; None if they are too few.
#[must_use]
pub fn sealed_filter(data: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = data.to_vec();
    let end = bytes.len().checked_sub(WORD).filter(|end| *end >= FILTER_HEADER_BYTES)?;
    let payload = (end - FILTER_HEADER_BYTES) as u64;
    bytes[48..56].copy_from_slice(&payload.to_le_bytes());
    seal(&mut bytes, 0, FILTER_HEADER_BYTES - WORD);
    seal(&mut bytes, FILTER_HEADER_BYTES, end);
    Some(bytes)
}
