use proptest::prelude::*;

use assay_core::given::Value;

use super::*;
use crate::space::{Texts, Words};
use crate::{Between, Progress, Take};

fn load<S: Space>(pairs: Pairs<S>, memtable_entries: u64, fanout: u64, compaction: &str) -> Lsm<S> {
    let given = [
        ("memtable_entries".to_owned(), Value::Integer(memtable_entries)),
        ("fanout".to_owned(), Value::Integer(fanout)),
        ("compaction".to_owned(), Value::Choice(compaction.to_owned())),
    ];
    Lsm::load(pairs, &Plan { given: &given, threads: 1, progress: &Progress::default() }).unwrap()
}

fn statistic<S: Space>(lsm: &Lsm<S>, name: &str) -> f64 {
    lsm.statistics().into_iter().find(|one| one.0 == name).unwrap().1
}

/// What holds of levels and runs between two changes.
fn check<S: Space>(lsm: &Lsm<S>) {
    assert!(lsm.room() > 0, "a full memtable becomes a run at once");
    for (level, runs) in lsm.levels.iter().enumerate() {
        if lsm.shape.is_tiered {
            assert!((runs.len() as u64) < lsm.shape.fanout);
        } else {
            assert!(runs.len() <= usize::from(level > 0));
            assert!(runs.iter().all(|run| run.len() <= lsm.most_of(level)));
        }
        for run in runs {
            assert!(run.len() > 0);
            for half in [&run.entries, &run.gone] {
                for key in half.keys() {
                    let mut may_hold = [0];
                    run.may_hold_of(&[S::hash(half.space().probe(*key))], &mut may_hold);
                    assert_eq!(may_hold[0] & 1, 1);
                }
            }
        }
    }
}

/// Steps by a list of all entries: the oracle.
fn follows<S: Space>(
    compaction: &str,
    first: &[(u8, u32)],
    steps: &[(u8, Vec<(u8, u32)>)],
    key: impl for<'a> Fn(&'a [u8; 1]) -> S::Probe<'a>,
) {
    let mut pairs = Pairs::<S>::default();
    first.iter().for_each(|(one, row)| pairs.push(key(&[*one]), *row));
    let mut lsm = load(pairs, 8, 2, compaction);
    let mut list = first.to_vec();
    for (what, batch) in steps {
        let keys: Vec<[u8; 1]> = batch.iter().map(|one| [one.0]).collect();
        let probes: Vec<S::Probe<'_>> = keys.iter().map(&key).collect();
        let rows: Vec<u32> = batch.iter().map(|one| one.1).collect();
        let before = list.len();
        match what {
            0 => {
                list.retain(|one| !batch.iter().any(|gone| gone.0 == one.0));
                assert_eq!(lsm.delete(&probes, None), (before - list.len()) as u64);
            }
            1 => {
                list.retain(|one| !batch.contains(one));
                assert_eq!(lsm.delete(&probes, Some(&rows)), (before - list.len()) as u64);
            }
            _ => {
                list.extend(batch);
                lsm.insert(&probes, &rows);
            }
        }
        check(&lsm);
        assert_eq!(lsm.len(), list.len() as u64);
        list.sort_unstable();
        let all: Vec<u64> = list.iter().map(|one| u64::from(one.1)).collect();
        let between = Between { low: std::ops::Bound::Unbounded, high: std::ops::Bound::Unbounded };
        let mut found = Vec::new();
        lsm.range(&between, Take::ALL, &mut found);
        assert_eq!(found, all);
        found.clear();
        lsm.range(&between, Take { limit: 7, descending: true }, &mut found);
        assert_eq!(found, all.iter().rev().take(7).copied().collect::<Vec<_>>());
        for one in 0..12_u8 {
            let mut found = Found::default();
            lsm.lookup(&[key(&[one])], &mut found);
            let rows: Vec<u64> = list.iter().filter(|entry| entry.0 == one).map(|entry| u64::from(entry.1)).collect();
            assert_eq!(found.rows, rows);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases.min(64), ..ProptestConfig::default() })]

    #[test]
    fn what_runs_and_tombstones_hold_is_what_a_list_holds(
        first in prop::collection::vec((0_u8..12, 0_u32..6), 0..40),
        steps in prop::collection::vec((0_u8..5, prop::collection::vec((0_u8..12, 0_u32..6), 0..20)), 1..20),
    ) {
        for compaction in ["levelled", "tiered"] {
            follows::<Words>(compaction, &first, &steps, |key| u64::from(key[0]));
            follows::<Texts>(compaction, &first, &steps, |key| key.as_slice());
        }
    }
}

/// Worked by hand: a memtable of 4, fanout 2, 16 entries of 8 + 4 bytes that come in order, four flushes of 48 bytes.
/// Tiered: flushes 1 and 2 merge to 96, 3 and 4 to 96, these to 192: 4 * 48 + 96 + 96 + 192 = 576 written of 192.
/// Levelled, levels of 8 and 16: flush 1 goes down as it is, flush 2 is merged into it (96), flush 3 makes it 12 entries
/// (144), which are too many and go to level 2 as they are; flush 4 goes to level 1: 192 + 96 + 144 = 432.
#[test]
fn bytes_written_are_those_of_flushes_and_merges() {
    for (compaction, written) in [("tiered", 576.0), ("levelled", 432.0)] {
        let mut lsm = load::<Words>(Pairs::default(), 4, 2, compaction);
        (0..16).for_each(|key| lsm.insert(&[key], &[1]));
        assert_eq!((statistic(&lsm, "bytes_put"), statistic(&lsm, "bytes_written")), (192.0, written));
        assert!((statistic(&lsm, "write_amplification") - written / 192.0).abs() < 1e-12);
    }
}

#[test]
fn tombstones_leave_with_what_they_hide() {
    let mut pairs = Pairs::<Words>::default();
    (0..64).for_each(|key| pairs.push(key, 0));
    let mut lsm = load(pairs, 8, 2, "tiered");
    let keys: Vec<u64> = (0..64).collect();
    assert_eq!(lsm.delete(&keys, None), 64);
    assert_eq!((lsm.len(), lsm.delete(&keys, None)), (0, 0));
    (64..128).for_each(|key| lsm.insert(&[key], &[0]));
    let left = statistic(&lsm, "tombstones");
    assert!(left < 64.0, "{left}");
}
