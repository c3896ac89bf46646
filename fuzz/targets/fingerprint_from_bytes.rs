//! Stored filters of fingerprints: any bytes are a filter or an error; a filter answers, and is written as it was read.
#![no_main]

use assay_core::filter::table::{Held, Table};
use assay_core::filter::{BinaryFuseFilter, CuckooFilter, RibbonFilter, XorFilter};
use assay_core::keys::Keys;
use libfuzzer_sys::fuzz_target;

/// The filter of these bytes, if they are one.
fn read<T: Table>(bytes: &[u8], keys: &[Keys<'_>]) -> Option<Held<T>> {
    let filter = Held::<T>::from_bytes(bytes).ok()?;
    assert_eq!(filter.to_bytes(), bytes);
    assert!((0.0..=1.0).contains(&filter.table.expected_rate()));
    let _ = filter.contains(keys, 1);
    Some(filter)
}

fuzz_target!(|data: &[u8]| {
    let words: Vec<u64> = (0..100).collect();
    let keys = [Keys::from_words(&words)];
    for bytes in [Some(data.to_vec()), assay_fuzz::sealed_filter(data)].into_iter().flatten() {
        let _: Option<BinaryFuseFilter> = read(&bytes, &keys);
        let _: Option<XorFilter> = read(&bytes, &keys);
        let _: Option<RibbonFilter> = read(&bytes, &keys);
        let cuckoo: Option<CuckooFilter> = read(&bytes, &keys);
        let Some(mut filter) = cuckoo else { continue };
        let before = filter.clone();
        if filter.table.insert(keys.as_slice(), 1).is_ok() {
            let held = filter.contains(&keys, 1);
            assert!(words.iter().all(|row| held[*row as usize / 64] >> (row % 64) & 1 == 1));
            filter.table.remove(keys.as_slice(), 1).expect("what was inserted is held");
            assert_eq!(filter.table.keys(), before.table.keys());
        } else {
            assert!(filter == before);
        }
    }
});
