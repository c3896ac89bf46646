//! What holds of every structure of the table: it answers as a list of all entries does, whatever was put in and taken
//! out before.

use std::ops::Bound;

use assay_core::keys::{Keys, Values};
use proptest::prelude::*;

use crate::answers::Passes;
use crate::built::{Builder, Built};
use crate::encode::{Limit, Shapes, Side};
use crate::space::{Space, Texts, Words};
use crate::{Between, Found, Index, Kind, NONE, Pairs, Plan, Progress, TABLE, Take};

/// Entries in a list: the oracle.
#[derive(Debug, Default, Clone)]
struct List<K>(Vec<(K, u32)>);

impl<K: Ord + Clone> List<K> {
    fn lookup(&self, key: &K) -> Vec<u64> {
        let mut rows: Vec<u64> = self.0.iter().filter(|one| one.0 == *key).map(|one| u64::from(one.1)).collect();
        rows.sort_unstable();
        rows
    }

    fn delete(&mut self, keys: &[K], rows: Option<&[u32]>) -> u64 {
        let before = self.0.len();
        self.0.retain(|(key, row)| {
            !keys.iter().enumerate().any(|(at, one)| one == key && rows.is_none_or(|rows| rows[at] == *row))
        });
        (before - self.0.len()) as u64
    }

    fn range(&self, low: &Bound<K>, high: &Bound<K>, take: Take) -> Vec<u64> {
        let inside = |key: &K| {
            (match low {
                Bound::Included(low) => key >= low,
                Bound::Excluded(low) => key > low,
                Bound::Unbounded => true,
            }) && (match high {
                Bound::Included(high) => key <= high,
                Bound::Excluded(high) => key < high,
                Bound::Unbounded => true,
            })
        };
        let mut found: Vec<(K, u32)> = self.0.iter().filter(|one| inside(&one.0)).cloned().collect();
        found.sort_unstable();
        if take.descending {
            found.reverse();
        }
        found.into_iter().take(take.limit).map(|one| u64::from(one.1)).collect()
    }
}

/// What is done to an index and to the list.
#[derive(Debug, Clone)]
enum Step<K> {
    Insert(Vec<(K, u32)>),
    DeleteKeys(Vec<K>),
    DeletePairs(Vec<(K, u32)>),
}

fn steps<K: std::fmt::Debug + Clone + 'static>(
    key: impl Strategy<Value = K> + Clone + 'static,
) -> impl Strategy<Value = (Vec<(K, u32)>, Vec<Step<K>>)> {
    let pair = (key.clone(), 0_u32..40);
    let step = prop_oneof![
        3 => prop::collection::vec(pair.clone(), 0..30).prop_map(Step::Insert),
        1 => prop::collection::vec(key, 0..6).prop_map(Step::DeleteKeys),
        1 => prop::collection::vec(pair.clone(), 0..12).prop_map(Step::DeletePairs),
    ];
    (prop::collection::vec(pair, 0..200), prop::collection::vec(step, 0..6))
}

fn as_bound<K>(bound: &Bound<K>) -> Bound<&K> {
    bound.as_ref()
}

/// Everything that an index answers, beside the list.
fn compare<S: Space, K: Ord + Clone + std::fmt::Debug>(
    name: &str,
    index: &dyn Index<S>,
    list: &List<K>,
    asked: &[K],
    probe: impl for<'a> Fn(&'a K) -> S::Probe<'a>,
) {
    assert_eq!(index.len(), list.0.len() as u64, "{name}");
    let probes: Vec<S::Probe<'_>> = asked.iter().map(&probe).collect();
    let mut found = Found::default();
    index.lookup(&probes, &mut found);
    let mut first = vec![7; probes.len()];
    index.lookup_first(&probes, &mut first);
    assert_eq!(found.ends.len(), probes.len(), "{name}");
    let mut start = 0;
    for (at, key) in asked.iter().enumerate() {
        let end = usize::try_from(found.ends[at]).unwrap();
        assert_eq!(found.rows[start..end], list.lookup(key), "{name}: {key:?}");
        assert_eq!(first[at], list.lookup(key).first().map_or(NONE, |row| u32::try_from(*row).unwrap()), "{name}");
        start = end;
    }
    let Some(ordered) = index.ordered() else { return };
    let bounds: Vec<Bound<K>> = asked
        .iter()
        .take(3)
        .flat_map(|key| [Bound::Included(key.clone()), Bound::Excluded(key.clone())])
        .chain([Bound::Unbounded])
        .collect();
    let map = |bound: &Bound<K>| -> Bound<usize> {
        as_bound(bound).map(|key| asked.iter().position(|one| one == key).expect("it is one of those"))
    };
    let mut betweens = Vec::new();
    let mut expected = Found::default();
    for low in &bounds {
        for high in &bounds {
            let between: Between<'_, S> =
                Between { low: map(low).map(|at| probes[at]), high: map(high).map(|at| probes[at]) };
            for take in [Take::ALL, Take { limit: 3, descending: false }, Take { limit: 5, descending: true }] {
                let mut rows = Vec::new();
                ordered.range(&between, take, &mut rows);
                assert_eq!(rows, list.range(low, high, take), "{name}: {low:?} {high:?} {take:?}");
            }
            expected.rows.extend(list.range(low, high, Take::ALL));
            expected.end();
            betweens.push(between);
        }
    }
    let mut found = Found::default();
    ordered.ranges(&betweens, &mut found);
    assert_eq!(found, expected, "{name}: ranges in a batch");
}

fn holds<S: Space, K: Ord + Clone + std::fmt::Debug>(
    name: &str,
    build: crate::Build<S>,
    first: &[(K, u32)],
    steps: &[Step<K>],
    asked: &[K],
    probe: impl for<'a> Fn(&'a K) -> S::Probe<'a>,
) {
    let mut pairs = Pairs::<S>::default();
    first.iter().for_each(|(key, row)| pairs.push(probe(key), *row));
    let progress = Progress::default();
    let mut index = build(pairs, &Plan { given: &[], threads: 2, progress: &progress }).unwrap();
    let mut list = List(first.to_vec());
    compare(name, index.as_ref(), &list, asked, &probe);
    for step in steps {
        match step {
            Step::Insert(pairs) => {
                let rows: Vec<u32> = pairs.iter().map(|one| one.1).collect();
                let probes: Vec<S::Probe<'_>> = pairs.iter().map(|one| probe(&one.0)).collect();
                index.insert(&probes, &rows);
                list.0.extend(pairs.iter().cloned());
            }
            Step::DeleteKeys(keys) => {
                let probes: Vec<S::Probe<'_>> = keys.iter().map(&probe).collect();
                assert_eq!(index.delete(&probes, None), list.delete(keys, None), "{name}");
            }
            Step::DeletePairs(pairs) => {
                let rows: Vec<u32> = pairs.iter().map(|one| one.1).collect();
                let probes: Vec<S::Probe<'_>> = pairs.iter().map(|one| probe(&one.0)).collect();
                let keys: Vec<K> = pairs.iter().map(|one| one.0.clone()).collect();
                assert_eq!(index.delete(&probes, Some(&rows)), list.delete(&keys, Some(&rows)), "{name}");
            }
        }
        compare(name, index.as_ref(), &list, asked, &probe);
    }
}

/// Words of which many are equal, neighbours, or at the ends.
fn word() -> impl Strategy<Value = u64> + Clone {
    prop_oneof![3 => 0_u64..24, 1 => (0_u64..8).prop_map(|from_end| u64::MAX - from_end), 1 => any::<u64>()]
}

/// Text with shared beginnings, zeros, and of no length.
fn text() -> impl Strategy<Value = Vec<u8>> + Clone {
    let letter = prop_oneof![Just(b'a'), Just(b'b'), Just(0), Just(255)];
    prop_oneof![
        prop::collection::vec(letter.clone(), 0..4),
        prop::collection::vec(letter, 0..3).prop_map(|end| [b"a shared beginning of keys".to_vec(), end].concat()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases.min(64).max(ProptestConfig::default().cases / 16), ..ProptestConfig::default() })]

    #[test]
    fn words_are_found_as_in_a_list((first, steps) in steps(word()), asked in prop::collection::vec(word(), 1..20)) {
        for kind in TABLE {
            holds::<Words, u64>(kind.contender.name, kind.words, &first, &steps, &asked, |key| *key);
        }
    }

    #[test]
    fn texts_are_found_as_in_a_list((first, steps) in steps(text()), asked in prop::collection::vec(text(), 1..20)) {
        for kind in TABLE {
            holds::<Texts, Vec<u8>>(kind.contender.name, kind.texts, &first, &steps, &asked, |key| key.as_slice());
        }
    }
}

/// A few sizes at which nodes, blocks and levels fill up and split.
#[test]
fn many_keys_in_any_order_are_found() {
    for kind in TABLE {
        for count in [1_u64, 2, 255, 256, 257, 5_000] {
            let scattered = |at: u64| (at % count).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            // Built in part, the rest put in by batches; every fifth key twice.
            let mut pairs = Pairs::<Words>::default();
            let half = count / 2;
            (0..half).for_each(|at| pairs.push(scattered(at), u32::try_from(at).unwrap()));
            let progress = Progress::default();
            let mut index = (kind.words)(pairs, &Plan { given: &[], threads: 1, progress: &progress }).unwrap();
            for start in (half..count).step_by(97) {
                let batch = start..count.min(start + 97);
                let probes: Vec<u64> = batch.clone().map(scattered).collect();
                let rows: Vec<u32> = batch.map(|at| u32::try_from(at).unwrap()).collect();
                index.insert(&probes, &rows);
            }
            let again: Vec<u64> = (0..count).step_by(5).map(scattered).collect();
            let rows: Vec<u32> = (0..count).step_by(5).map(|at| u32::try_from(at + count).unwrap()).collect();
            index.insert(&again, &rows);
            let mut list = List(
                (0..count)
                    .map(|at| (scattered(at), u32::try_from(at).unwrap()))
                    .chain(again.iter().copied().zip(rows))
                    .collect(),
            );
            let asked: Vec<u64> = (0..count).step_by(7).map(scattered).chain([1, u64::MAX]).collect();
            compare::<Words, u64>(kind.contender.name, index.as_ref(), &list, &asked, |key| *key);
            let gone: Vec<u64> = (0..count).step_by(3).map(scattered).collect();
            assert_eq!(index.delete(&gone, None), list.delete(&gone, None), "{}", kind.contender.name);
            compare::<Words, u64>(kind.contender.name, index.as_ref(), &list, &asked, |key| *key);
        }
    }
}

fn built(kind: &Kind, column: &Keys<'_>) -> Built {
    let mut builder = Builder::new(kind.contender.name, &[]).unwrap();
    builder.append(std::slice::from_ref(column), None, &Progress::default()).unwrap();
    builder.finish(1, &Progress::default()).unwrap()
}

#[test]
fn an_index_of_narrow_integers_is_asked_with_wide_ones() {
    let column = Keys::new(Values::I8(&[5, -3, 5]), None, 3).unwrap();
    let wide = [5, -3, 300, i64::MIN];
    let asked = [Keys::new(Values::I64(&wide), None, 4).unwrap()];
    for kind in TABLE {
        let answers = built(kind, &column).lookup(&asked, 1, Passes::Shared).unwrap();
        assert_eq!((answers.found.rows, answers.found.ends), (vec![0, 2, 1], vec![2, 3, 3, 3]));
        assert_eq!(answers.validity, None);
    }
    let unsigned = Keys::from_words(&[1 << 63, 7]);
    for kind in TABLE {
        let answers = built(kind, &unsigned)
            .lookup(&[Keys::new(Values::I64(&[7, -1]), None, 2).unwrap()], 1, Passes::Shared)
            .unwrap();
        assert_eq!((answers.found.rows, answers.found.ends), (vec![1], vec![1, 1]));
    }
}

#[test]
fn a_bound_that_the_type_cannot_hold_keeps_its_place() {
    use assay_core::keys::TimeUnit;
    let seconds = Keys::new(Values::Time64(&[1, 2, 3], TimeUnit::Second), None, 3).unwrap();
    let sorted = TABLE.iter().find(|kind| kind.contender.name == "sorted").unwrap();
    let index = built(sorted, &seconds);
    let at = |millis: &[i64], side, included| {
        let keys = [Keys::new(Values::Time64(millis, TimeUnit::Millisecond), None, 1).unwrap()];
        index.bound(Some(&keys), 0, side, included).unwrap()
    };
    let rows = |low: Limit, high: Limit| index.range(&low, &high, Take::ALL).unwrap();
    for included in [false, true] {
        assert_eq!(rows(at(&[1500], Side::Low, included), Limit::None), [1, 2]);
        assert_eq!(rows(Limit::None, at(&[2500], Side::High, included)), [0, 1]);
    }
    assert_eq!(rows(at(&[2000], Side::Low, true), at(&[2000], Side::High, true)), [1]);
    assert_eq!(rows(at(&[2000], Side::Low, false), at(&[3000], Side::High, false)), [0; 0]);
}

#[test]
fn the_first_columns_of_a_key_are_a_bound_too() {
    let offsets = [0, 1, 3, 4, 5];
    let names = Keys::new(Values::Bytes32 { offsets: &offsets, data: b"aabab" }, None, 4).unwrap(); // a ab a b
    let numbers = Keys::new(Values::I32(&[2, 9, 1, 0]), None, 4).unwrap();
    let columns = [names, numbers];
    let mut builder = Builder::new("sorted", &[]).unwrap();
    builder.append(&columns, None, &Progress::default()).unwrap();
    let index = builder.finish(1, &Progress::default()).unwrap();
    let answers = index.lookup(&columns, 1, Passes::Shared).unwrap();
    assert_eq!(answers.found.rows, [0, 1, 2, 3]);
    for ends in [&[1, 2, 3][..], &[3, 2, 4], &[5]] {
        assert!(index.lookup(&columns, 1, Passes::Lists(ends)).is_err(), "{ends:?} are not all four");
    }
    let first = &columns[..1];
    let bound = |row, side, included| index.bound(Some(first), row, side, included).unwrap();
    let rows = |low: Limit, high: Limit| index.range(&low, &high, Take::ALL).unwrap();
    assert_eq!(rows(Limit::None, Limit::None), [2, 0, 1, 3]);
    assert_eq!(rows(bound(0, Side::Low, true), bound(0, Side::High, true)), [2, 0]);
    assert_eq!(rows(bound(0, Side::Low, false), Limit::None), [1, 3]);
    assert_eq!(rows(Limit::None, bound(3, Side::High, false)), [2, 0, 1]);
    let shapes = Shapes::of(&columns);
    assert!(!shapes.are_words() && shapes.len() == 2);
}

#[test]
fn what_is_told_of_building_begins_with_all_and_ends_with_all() {
    use std::sync::atomic::Ordering;

    use assay_core::keys::Bitmap;
    let told = |progress: &Progress| (progress.done.load(Ordering::Relaxed), progress.total.load(Ordering::Relaxed));
    let words: Vec<u64> = (0..90_000_u64).map(|at| at.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20).collect();
    let offsets: Vec<i32> = (0..=words.len()).map(|at| i32::try_from(at * 7).unwrap()).collect();
    let text: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()[1..].to_vec()).collect();
    let some = [0b1011_0111; 90_000 / 8];
    for kind in TABLE {
        for threads in [1, 2] {
            let (mut builder, progress) = (Builder::new(kind.contender.name, &[]).unwrap(), Progress::default());
            builder.expect(words.len(), &progress);
            let all = told(&progress).1;
            for start in (0..words.len()).step_by(40_000) {
                let end = words.len().min(start + 40_000);
                let valid = Some(Bitmap::new(&some, start, end - start));
                let values = if threads == 1 {
                    Values::U64(&words[start..end])
                } else {
                    Values::Bytes32 { offsets: &offsets[start..=end], data: &text }
                };
                builder.append(&[Keys::new(values, valid, end - start).unwrap()], None, &progress).unwrap();
                assert!(told(&progress).0 >= end as u64, "{}", kind.contender.name);
            }
            assert_eq!(builder.entries(), 90_000 / 8 * 6);
            builder.finish(threads, &progress).unwrap();
            assert_eq!(told(&progress), (all, all), "{}", kind.contender.name);
        }
    }
}

#[test]
fn a_building_that_is_called_off_ends() {
    let words: Vec<u64> = (0..100_000_u64).map(|at| at.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect();
    for kind in TABLE {
        let (mut builder, progress) = (Builder::new(kind.contender.name, &[]).unwrap(), Progress::default());
        builder.append(&[Keys::from_words(&words)], None, &progress).unwrap();
        progress.stopped.store(1, std::sync::atomic::Ordering::Relaxed);
        assert!(builder.append(&[Keys::from_words(&words)], None, &progress).is_err());
        let message = builder.finish(1, &progress).unwrap_err().to_string();
        assert!(message.contains("called off"), "{}: {message}", kind.contender.name);
    }
}
