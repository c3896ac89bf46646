//! For tests: the verification codes of SMHasher, and keys of every length.

/// SMHasher's verification code: keys of 0 to 255 bytes 0, 1, 2, ... hashed with seeds 256 down to 1, and then
/// the hashes, end to end, with seed 0; the first four bytes of that, little-endian.
///
/// Source: SMHasher3, `lib/Hashinfo.cpp`, which has the code of each function beside it.
pub(crate) fn code<const WIDTH: usize>(hash: impl Fn(u64, &[u8]) -> [u8; WIDTH]) -> u32 {
    let key: Vec<u8> = (0..=255).collect();
    let hashes: Vec<u8> = (0..256).flat_map(|length| hash(256 - length as u64, &key[..length])).collect();
    let total = hash(0, &hashes);
    u32::from_le_bytes([total[0], total[1], total[2], total[3]])
}

/// A seed and a key of every length up to `longest`, three times.
pub(crate) fn samples(longest: usize) -> Vec<(u64, Vec<u8>)> {
    let mut state = 1_u64;
    let mut next = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state ^ state >> 29
    };
    let mut found = Vec::new();
    for length in 0..=longest {
        for seed in [0, 42, next()] {
            found.push((seed, (0..length).map(|_| next().to_le_bytes()[5]).collect()));
        }
    }
    found
}
