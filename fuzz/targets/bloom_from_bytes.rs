//! Stored Bloom filters: any bytes are a filter or an error; a filter answers, and is written as it was read.
#![no_main]

use assay_core::filter::BloomFilter;
use assay_core::keys::Keys;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    for bytes in [Some(data.to_vec()), assay_fuzz::sealed_filter(data)].into_iter().flatten() {
        let Ok(mut filter) = BloomFilter::from_bytes(&bytes) else { continue };
        assert_eq!(filter.to_bytes(), bytes);
        assert!((0.0..=1.0).contains(&filter.expected_false_positive_rate()));
        let words: Vec<u64> = (0..100).collect();
        let (keys, kind) = ([Keys::from_words(&words)], filter.key_type());
        let _ = filter.contains(&keys, kind, 1);
        if filter.insert(&keys, kind, 1).is_ok() {
            let held = filter.contains(&keys, kind, 1);
            assert!(words.iter().all(|row| held[*row as usize / 64] >> (row % 64) & 1 == 1));
        }
        assert!(filter.union(&filter).is_ok());
    }
});
