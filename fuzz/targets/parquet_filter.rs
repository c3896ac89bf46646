//! Filters of Parquet files: any bytes are a header or an error, and any bitset of the right length is a filter.
//! The first byte chooses the type of the column.
#![no_main]

use assay_core::filter::BloomFilter;
use assay_core::filter::key_type::KeyType;
use assay_core::filter::parquet::read_header;
use assay_core::keys::Keys;
use libfuzzer_sys::fuzz_target;

const TYPES: [KeyType; 8] = [
    KeyType::Boolean,
    KeyType::UInt64,
    KeyType::Int32,
    KeyType::Float32,
    KeyType::Text,
    KeyType::Fixed(3),
    KeyType::Decimal { bits: 128, precision: 20, scale: 2 },
    KeyType::DecimalInteger { bits: 32, precision: 9, scale: 2 },
];

fuzz_target!(|data: &[u8]| {
    let Some((choice, data)) = data.split_first() else { return };
    let kind = TYPES[usize::from(*choice) % TYPES.len()];
    let Ok(found) = read_header(data) else { return };
    assert!(found.header_bytes <= data.len() && found.bitset_bytes < 1 << 31);
    let rest = &data[found.header_bytes..];
    let bitset = &rest[..rest.len().min(found.bitset_bytes)];
    let Some(filter) = BloomFilter::from_bitset(bitset, kind, 1) else {
        assert!(bitset.is_empty() || bitset.len() % 32 != 0 || kind == KeyType::Boolean);
        return;
    };
    assert_eq!(filter.memory_bytes(), bitset.len() as u64);
    let words: Vec<u64> = (0..100).collect();
    let _ = filter.contains(&[Keys::from_words(&words)], KeyType::UInt64, 1);
    assert!(BloomFilter::from_bytes(&filter.to_bytes()).is_ok_and(|again| again == filter));
});
