//! Stored counting filters: any bytes are a filter or an error; what is inserted is held until it is removed.
#![no_main]

use assay_core::filter::CountingBloomFilter;
use assay_core::keys::Keys;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    for bytes in [Some(data.to_vec()), assay_fuzz::sealed_filter(data)].into_iter().flatten() {
        let Ok(mut filter) = CountingBloomFilter::from_bytes(&bytes) else { continue };
        assert_eq!(filter.to_bytes(), bytes);
        assert!((0.0..=1.0).contains(&filter.expected_false_positive_rate()));
        let words: Vec<u64> = (0..100).collect();
        let keys = [Keys::from_words(&words)];
        let before = filter.clone();
        if filter.remove(&keys).is_err() {
            assert_eq!(filter, before, "a refused removal changes nothing");
        }
        filter.insert(&keys, 1);
        let held = |filter: &CountingBloomFilter, bits: &[u64]| bits.iter().eq(filter.contains(&keys, 1).iter());
        assert!(held(&filter, &[u64::MAX, (1 << 36) - 1]));
        assert!(filter.to_bloom().contains(&keys, filter.key_type(), 1) == filter.contains(&keys, 1));
        assert!(filter.union(&filter).is_ok_and(|both| held(&both, &[u64::MAX, (1 << 36) - 1])));
        filter.remove(&keys).expect("they were inserted");
    }
});
