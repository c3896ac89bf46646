//! Stored Merkle trees: any bytes are a tree or an error, and a tree is written as it was read.
#![no_main]

use assay_core::checksum::merkle::{Place, Tree, verify};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    for bytes in [Some(data.to_vec()), assay_fuzz::sealed(data)].into_iter().flatten() {
        let Ok(tree) = Tree::from_bytes(&bytes) else { continue };
        assert_eq!(tree.to_bytes(), bytes);
        assert_eq!(tree.diff(&tree), Ok(vec![]));
        let last = tree.block_count().wrapping_sub(1);
        let Ok(proof) = tree.proof(last) else {
            assert_eq!(tree.block_count(), 0);
            continue;
        };
        let siblings: Vec<&[u8]> = proof.iter().map(Vec::as_slice).collect();
        let place = Place { block_bytes: tree.block_bytes(), covered_bytes: tree.covered_bytes(), index: last };
        // The digest of these bytes is not what a leaf holds, but for a chance that there is not.
        assert!(!verify(tree.digest(), place, data, &siblings, &tree.root()));
    }
});
