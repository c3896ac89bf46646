//! Digests of many messages against those of one at a time, by the crates, and against what was published.

use super::*;
use crate::keys::{Bitmap, Canonical, Decimals, Indices, TimeUnit, for_each_compound};
use proptest::prelude::*;

const ALL: [Digest; 5] = [Digest::Md5, Digest::Sha1, Digest::Sha256, Digest::Sha512, Digest::Blake3];

fn alone(digest: Digest, message: &[u8]) -> Vec<u8> {
    let mut out = vec![0; digest.width()];
    digest.digest(message, &mut out);
    out
}

/// The digests of messages in lanes, even where one by one would be faster, and as they are digested in earnest.
fn on(path: Path, digest: Digest, messages: &[&[u8]]) -> [Vec<Vec<u8>>; 2] {
    let mut found = [vec![Vec::new(); messages.len()], vec![Vec::new(); messages.len()]];
    let [lanes, earnest] = &mut found;
    let mut put = |index: usize, digested: &Digested| {
        assert!(lanes[index].is_empty(), "message {index} comes twice");
        lanes[index] = digested[..digest.width()].to_vec();
    };
    let one = |message: &[u8], out: &mut Digested| digest.digest(message, &mut out[..digest.width()]);
    let all = |kernel: kernel::Kernel| kernel::Kernel { worth: 1, ..kernel };
    match digest {
        Digest::Md5 => many(all(md5::kernel(path)), messages, blocks::<u32>, one, &mut put),
        Digest::Sha1 => many(all(sha1::kernel(path)), messages, blocks::<u32>, one, &mut put),
        Digest::Sha256 => many(all(sha2::sha256::kernel(path)), messages, blocks::<u32>, one, &mut put),
        Digest::Sha512 => many(all(sha2::sha512::kernel(path)), messages, blocks::<u64>, one, &mut put),
        Digest::Blake3 => blake3::many(blake3::kernel(path).in_lanes(), messages, &mut put),
    }
    digest.many_on(path, messages, |index, digested| {
        assert!(earnest[index].is_empty(), "message {index} comes twice");
        earnest[index] = digested[..digest.width()].to_vec();
    });
    found
}

fn check(digest: Digest, messages: &[&[u8]]) {
    let expected: Vec<Vec<u8>> = messages.iter().map(|message| alone(digest, message)).collect();
    for path in Path::available() {
        for (way, found) in on(path, digest, messages).iter().enumerate() {
            let wrong = (0..messages.len()).find(|index| found[*index] != expected[*index]);
            assert_eq!(
                wrong.map(|index| messages[index].len()),
                None,
                "length digested wrongly: {digest:?} {path:?} {way}"
            );
        }
    }
}

/// Bytes that depend on their place.
fn bytes(count: usize) -> Vec<u8> {
    (0..count as u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

#[test]
fn every_length_up_to_300_is_digested_alike_on_every_path() {
    let data = bytes(2_000);
    // Falling and rising, so that what was longer before must leave nothing behind.
    let lengths = (0..=300).rev().chain(0..=300).chain([1_000, 3, 55, 56, 63, 64, 111, 112, 127, 128, 239, 240]);
    let messages: Vec<&[u8]> = lengths.map(|length| &data[length..2 * length]).collect();
    for digest in ALL {
        check(digest, &messages);
    }
}

#[test]
fn messages_of_one_length_are_digested_alike_on_every_path() {
    let data = bytes(140_000);
    for length in [0, 1, 8, 15, 16, 17, 55, 56, 64, 111, 112, 128, 1_023, 1_024, 1_025, 2_048, 3_073, 4_096, 5_000] {
        let messages: Vec<&[u8]> = (0..75).map(|first| &data[7 * first..7 * first + length]).collect();
        for digest in ALL {
            check(digest, &messages);
            check(digest, &messages[..5]);
            check(digest, &messages[..1]);
        }
    }
}

#[test]
fn long_and_short_messages_mix() {
    let data = bytes(120_000);
    let mut messages: Vec<&[u8]> = (0..40).map(|index| &data[..index * 997 % 9_000]).collect();
    messages.extend([&data[..102_400], &data[5..33_000], &data[..32_768], &data[..32_769], &[]]);
    messages.extend((0..1_100).map(|index| &data[index..index + index % 90]));
    for digest in ALL {
        check(digest, &messages);
        check(digest, &[]);
    }
}

proptest! {
    #[test]
    fn lanes_agree_with_one_message_at_a_time(
        lengths in proptest::collection::vec(prop_oneof![0_usize..150, 0_usize..5_000], 0..70), seed: u8,
    ) {
        let data: Vec<u8> = bytes(5_100).iter().map(|byte| byte ^ seed).collect();
        let messages: Vec<&[u8]> = lengths.iter().enumerate().map(|(at, length)| &data[at..at + length]).collect();
        for digest in ALL {
            check(digest, &messages);
        }
    }
}

/// Columns of every form, some of them with nulls, and what is taken from their middle.
fn with_columns(rows: usize, visit: impl Fn(&[Keys<'_>])) {
    let data = bytes(100 * rows);
    let mut offsets = vec![0_i32];
    for row in 0..rows {
        offsets.push(offsets[row] + (row * 37 % 90) as i32);
    }
    let long: Vec<i64> = offsets.iter().map(|offset| i64::from(*offset)).collect();
    let words: Vec<i64> = (0..rows as i64).map(|row| row * 0x1234_5678_9abc - 77).collect();
    let wide: Vec<i128> = words.iter().map(|word| i128::from(*word) << 70).collect();
    let views: Vec<u128> = (0..rows)
        .map(|row| {
            let (start, end) = (offsets[row] as usize, offsets[row + 1] as usize);
            let mut view = [0; 16];
            view[..4].copy_from_slice(&((end - start) as u32).to_le_bytes());
            if end - start <= 12 {
                view[4..4 + end - start].copy_from_slice(&data[start..end]);
            } else {
                view[4..8].copy_from_slice(&data[start..start + 4]);
                view[12..].copy_from_slice(&(start as u32).to_le_bytes());
            }
            u128::from_le_bytes(view)
        })
        .collect();
    let validity = Some(Bitmap::new(&data, 3, rows));
    let text = Values::Bytes32 { offsets: &offsets, data: &data };
    let values = Keys::new(text.clone(), validity, rows).unwrap();
    let indices: Vec<i32> = (0..rows as i32).map(|row| row * 7 % 50.min(rows as i32)).collect();
    let some = Keys::new(Values::Bytes32 { offsets: &offsets[..51], data: &data }, Some(Bitmap::new(&data, 9, 50)), 50);
    let kinds = [
        text,
        Values::Bytes64 { offsets: &long, data: &data },
        Values::Views { views: &views, buffers: vec![&data] },
        Values::Fixed { width: 16, data: &data },
        Values::I64(&words),
        Values::Boolean(Bitmap::new(&data, 1, rows)),
        Values::Time64(&words, TimeUnit::Nanosecond),
        Values::Decimal(Decimals::I128(&wide), 3),
        Values::Dictionary { indices: Indices::I32(&indices), values: Box::new(some.unwrap()) },
        // More values than rows: read row by row.
        Values::Dictionary { indices: Indices::I32(&indices[..20]), values: Box::new(values) },
    ];
    let columns: Vec<Keys<'_>> = kinds
        .iter()
        .flat_map(|kind| {
            let rows =
                if let Values::Dictionary { indices: Indices::I32(rows), .. } = kind { rows.len() } else { rows };
            [None, Some(Bitmap::new(&data, 3, rows))].map(|bits| Keys::new(kind.clone(), bits, rows).unwrap())
        })
        .collect();
    for column in &columns {
        visit(std::slice::from_ref(column));
    }
    visit(&columns[1..2]);
    visit(&columns[..5]);
    visit(&[columns[9].clone(), columns[5].clone()]);
}

#[test]
fn columns_of_every_form_are_digested_as_their_keys_and_null_rows_stay() {
    with_columns(3_000, |columns| {
        for digest in ALL {
            let width = digest.width();
            let mut found = vec![9; columns[0].len() * width];
            digest_keys(columns, digest, 1, &mut found);
            for_each_compound(columns, 0..columns[0].len(), |row, form| {
                let expected = match form {
                    // A dictionary's digests are copied; a null row keeps its bytes either way.
                    Canonical::Null => vec![9; width],
                    Canonical::Word(word) => alone(digest, &word.to_le_bytes()),
                    Canonical::Bytes(bytes) => alone(digest, bytes),
                };
                assert_eq!(found[row * width..(row + 1) * width], expected, "{digest:?}, row {row} of {columns:?}");
            });
        }
    });
}

#[test]
fn threads_do_not_change_the_digests() {
    let words: Vec<u64> = (0..200_003).collect();
    let indices: Vec<u32> = words.iter().map(|word| (*word % 70_001) as u32).collect();
    let values = Keys::from_words(&words[..70_001]);
    let dictionary = Values::Dictionary { indices: Indices::U32(&indices), values: Box::new(values) };
    for column in [Keys::from_words(&words), Keys::new(dictionary, None, words.len()).unwrap()] {
        for digest in [Digest::Md5, Digest::Blake3] {
            let outs = [1, 2, 5].map(|threads| {
                let mut out = vec![0; words.len() * digest.width()];
                digest_keys(std::slice::from_ref(&column), digest, threads, &mut out);
                out
            });
            assert!(outs[0] == outs[1] && outs[0] == outs[2], "{digest:?}");
            assert_eq!(outs[0][..digest.width()], alone(digest, &0_u64.to_le_bytes()));
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len() / 2).map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap()).collect()
}

/// Messages with published digests, each in all lanes and among others, on every path.
fn published(digest: Digest, examples: &[(&[u8], &str)]) {
    let messages: Vec<&[u8]> =
        examples.iter().cycle().take(40.max(examples.len())).map(|(message, _)| *message).collect();
    for path in Path::available() {
        for found in on(path, digest, &messages) {
            for (index, found) in found.iter().enumerate() {
                let (message, expected) = examples[index % examples.len()];
                assert_eq!(hex(found), expected, "{digest:?} {path:?} {} bytes", message.len());
            }
        }
    }
}

#[test]
fn the_examples_of_rfc_1321_match() {
    let alphabets = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let digits = b"1234567890".repeat(8);
    published(
        Digest::Md5,
        &[
            (b"", "d41d8cd98f00b204e9800998ecf8427e"),
            (b"a", "0cc175b9c0f1b6a831c399e269772661"),
            (b"abc", "900150983cd24fb0d6963f7d28e17f72"),
            (b"message digest", "f96b697d7cb7938d525a2f31aaf161d0"),
            (b"abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b"),
            (alphabets, "d174ab98d277d9f5a5611c2c9f419d9f"),
            (&digits, "57edf4a22be3c955ac49da2e2107b67a"),
        ],
    );
}

const TWO_BLOCKS: &[u8] = b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
const TWO_LONG_BLOCKS: &[u8] =
    b"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu";

#[test]
fn the_examples_of_fips_180_and_the_short_messages_of_cavp_match() {
    // FIPS 180-4, "abc", two blocks, a million times "a"; CAVP: SHA1ShortMsg, SHA256ShortMsg, SHA512ShortMsg.
    let million = vec![b'a'; 1_000_000];
    published(
        Digest::Sha1,
        &[
            (b"abc", "a9993e364706816aba3e25717850c26c9cd0d89d"),
            (TWO_BLOCKS, "84983e441c3bd26ebaae4aa1f95129e5e54670f1"),
            (&million, "34aa973cd4c4daa4f61eeb2bdbad27316534016f"),
            (&[0x36], "c1dfd96eea8cc2b62785275bca38ac261256e278"),
        ],
    );
    published(
        Digest::Sha256,
        &[
            (b"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (TWO_BLOCKS, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"),
            (&million, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
            (&[0xd3], "28969cdfa74a12c82f3bad960b0b000aca2ac329deea5c2328ebc6f2ba9802c1"),
            (&[0x74, 0xba, 0x25, 0x21], "b16aa56be3880d18cd41e68384cf1ec8c17680c45a02b1575dc1518923ae8b0e"),
        ],
    );
    published(
        Digest::Sha512,
        &[
            (
                b"abc",
                "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
                 2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
            ),
            (
                TWO_LONG_BLOCKS,
                "8e959b75dae313da8cf4f72814fc143f8f7779c6eb9f7fa17299aeadb6889018\
                 501d289e4900f7e4331b99dec4b5433ac7d329eeb6dd26545e96e55b874be909",
            ),
            (
                &million,
                "e718483d0ce769644e2e42c7bc15b4638e1f98b13b2044285632a803afa973eb\
                 de0ff244877ea60a4cb0432ce577c31beb009c5c2c49aa2e4eadb217ad8cc09b",
            ),
            (
                &[0x21],
                "3831a6a6155e509dee59a7f451eb35324d8f8f2df6e3708894740f98fdee2388\
                 9f4de5adb0c5010dfb555cda77c8ab5dc902094c52de3278f35a75ebc25f093a",
            ),
        ],
    );
}

#[test]
fn the_first_monte_carlo_runs_of_cavp_match() {
    // SHA1Monte, SHA256Monte, SHA512Monte: the seed and MD of COUNT = 0. Each digest is of the three before it.
    let runs = [
        (Digest::Sha1, "dd4df644eaf3d85bace2b21accaa22b28821f5cd", "11f5c38b4479d4ad55cb69fadf62de0b036d5163"),
        (
            Digest::Sha256,
            "6d1e72ad03ddeb5de891e572e2396f8da015d899ef0e79503152d6010a3fe691",
            "e93c330ae5447738c8aa85d71a6c80f2a58381d05872d26bdd39f1fcd4f2b788",
        ),
        (
            Digest::Sha512,
            "5c337de5caf35d18ed90b5cddfce001ca1b8ee8602f367e7c24ccca6f893802fb1aca7a3dae32dcd60800a59959bc540d63237876b799229ae71a2526fbc52cd",
            "ada69add0071b794463c8806a177326735fa624b68ab7bcab2388b9276c036e4eaaff87333e83c81c0bca0359d4aeebcbcfd314c0630e0c2af68c1fb19cc470e",
        ),
    ];
    for (digest, seed, expected) in runs {
        for path in Path::available() {
            // In each lane but the first another run goes on.
            let seeds = (0..5_u8).map(|lane| unhex(seed).iter().map(|byte| byte ^ lane).collect::<Vec<u8>>());
            let mut last: Vec<[Vec<u8>; 3]> = seeds.map(|seed| [seed.clone(), seed.clone(), seed]).collect();
            for _ in 0..1_000 {
                let joined: Vec<Vec<u8>> = last.iter().map(|three| three.concat()).collect();
                let messages: Vec<&[u8]> = joined.iter().map(Vec::as_slice).collect();
                digest.many_on(path, &messages, |lane, found| {
                    last[lane].rotate_left(1);
                    last[lane][2] = found[..digest.width()].to_vec();
                });
            }
            assert_eq!(hex(&last[0][2]), expected, "{digest:?} {path:?}");
        }
    }
}

#[test]
fn the_test_vectors_of_blake3_match() {
    // test_vectors.json: bytes count up to 250 and begin again.
    let input: Vec<u8> = (0..102_400_u32).map(|at| (at % 251) as u8).collect();
    let expected = [
        (0, "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"),
        (1, "2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213"),
        (63, "e9bc37a594daad83be9470df7f7b3798297c3d834ce80ba85d6e207627b7db7b"),
        (64, "4eed7141ea4a5cd4b788606bd23f46e212af9cacebacdc7d1f4c6dc7f2511b98"),
        (65, "de1e5fa0be70df6d2be8fffd0e99ceaa8eb6e8c93a63f2d8d1c30ecb6b263dee"),
        (1_023, "10108970eeda3eb932baac1428c7a2163b0e924c9a9e25b35bba72b28f70bd11"),
        (1_024, "42214739f095a406f3fc83deb889744ac00df831c10daa55189b5d121c855af7"),
        (1_025, "d00278ae47eb27b34faecf67b4fe263f82d5412916c1ffd97c8cb7fb814b8444"),
        (2_048, "e776b6028c7cd22a4d0ba182a8bf62205d2ef576467e838ed6f2529b85fba24a"),
        (3_072, "b98cb0ff3623be03326b373de6b9095218513e64f1ee2edd2525c7ad1e5cffd2"),
        (4_096, "015094013f57a5277b59d8475c0501042c0b642e531b0a1c8f58d2163229e969"),
        (8_192, "aae792484c8efe4f19e2ca7d371d8c467ffb10748d8a5a1ae579948f718a2a63"),
        (31_744, "62b6960e1a44bcc1eb1a611a8d6235b6b4b78f32e7abc4fb4c6cdcce94895c47"),
        (102_400, "bc3e3d41a1146b069abffad3c0d44860cf664390afce4d9661f7902e7943e085"),
    ];
    let examples: Vec<(&[u8], &str)> = expected.iter().map(|(length, digest)| (&input[..*length], *digest)).collect();
    published(Digest::Blake3, &examples);
    for example in examples {
        published(Digest::Blake3, &[example]);
    }
}

#[test]
fn an_unknown_name_is_refused_with_the_known_ones() {
    let error = Digest::parse("md4").unwrap_err().to_string();
    assert!(error.contains("md4") && error.contains("sha256"), "{error}");
}
