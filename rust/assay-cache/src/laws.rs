//! What holds for every policy of the table.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

/// A trace of keys below 40, numbered in the order of their first appearance, each of a size of its own.
fn trace(keys: &[u8]) -> Trace {
    let mut numbers = BTreeMap::new();
    let ids = keys.iter().map(|key| {
        let next = u32::try_from(numbers.len()).unwrap();
        *numbers.entry(*key).or_insert(next)
    });
    let ids = ids.collect();
    let sizes = keys.iter().map(|&key| u64::from(key) * 7 % 13).collect();
    Trace::of_ids(ids, Some(sizes)).unwrap()
}

/// The same without sizes, which some policies run faster.
fn plain(keys: &[u8]) -> Trace {
    Trace::of_ids(trace(keys).ids().to_vec(), None).unwrap()
}

/// A request as a policy of this measure sees it.
fn request(trace: &Trace, place: usize, measure: Measure) -> Request {
    let given = trace.requests(0..trace.len()).get(place);
    if measure == Measure::Bytes { given } else { Request { size: 1, ..given } }
}

/// Requests one by one: what came of them, and who went.
fn one_by_one(cache: &mut dyn Cache, trace: &Trace, range: Range<usize>, measure: Measure) -> (Tally, Vec<u32>) {
    let (mut tally, mut gone) = (Tally::default(), Vec::new());
    for place in range {
        let request = request(trace, place, measure);
        tally.requests += 1;
        tally.bytes += trace.sizes().map_or(1, |sizes| sizes[place]);
        if cache.hit(request, &mut gone) {
            tally.hits += 1;
            tally.bytes_hit += trace.sizes().map_or(1, |sizes| sizes[place]);
        } else {
            tally.inserted += u64::from(cache.insert(request, &mut gone));
        }
    }
    tally.evictions = gone.len() as u64;
    (tally, gone)
}

fn settings(capacity: u64, measure: Measure) -> Settings {
    Settings { capacity, measure, seed: 7, parameters: Vec::new(), guard: Guard::default() }
}

/// The settings under which LIRS is the paper's: else it may hold objects without counting their weight.
fn of_the_paper(settings: &Settings) -> Settings {
    let keeps = ("queue_hit".to_owned(), settings::Value::Choice("keeps".to_owned()));
    Settings { parameters: vec![keeps], ..settings.clone() }
}

/// Every policy, counted in objects and in bytes; those that cannot be so are left out, and bounds, which hold nothing.
fn all(capacity: u64, trace: &Trace) -> Vec<(&'static str, Settings)> {
    let measures = [Measure::Objects, Measure::Bytes];
    let pairs = TABLE
        .iter()
        .filter(|(contender, _)| !contender.can("bound"))
        .flat_map(|(contender, _)| measures.map(|measure| (contender.name, settings(capacity, measure))));
    let pairs = pairs.chain(measures.map(|measure| ("lirs", of_the_paper(&settings(capacity, measure)))));
    pairs.filter(|(name, settings)| build(name, settings, trace).is_ok()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases / 4, ..ProptestConfig::default() })]

    #[test]
    fn runs_and_single_requests_may_take_turns(
        keys in proptest::collection::vec((0_u8..40, 0_u8..4), 1..200), capacity in 1_u64..30, length in 1_usize..60,
    ) {
        let requests: Vec<u8> = keys.iter().map(|one| one.0).collect();
        for trace in [trace(&requests), plain(&requests)] {
            for (name, settings) in all(capacity, &trace) {
                let (mut mixed, mut single) = [(); 2].map(|()| build(name, &settings, &trace).unwrap()).into();
                for start in (0..trace.len()).step_by(length) {
                    let range = start..trace.len().min(start + length);
                    let (wanted, gone) = one_by_one(single.as_mut(), &trace, range.clone(), settings.measure);
                    if keys[start].1 == 0 {
                        let (found, others) = one_by_one(mixed.as_mut(), &trace, range, settings.measure);
                        prop_assert_eq!((found, others), (wanted, gone), "{} at {}", name, start);
                    } else {
                        prop_assert_eq!(mixed.run(trace.requests(range)), wanted, "{} at {}", name, start);
                    }
                    if keys[start].1 == 1 {
                        let id = trace.ids()[start / 2];
                        prop_assert_eq!(mixed.remove(id), single.remove(id));
                    }
                    prop_assert_eq!(mixed.used(), single.used());
                    prop_assert!((0..u32::try_from(trace.distinct()).unwrap()).all(|id| mixed.contains(id) == single.contains(id)));
                }
            }
        }
    }

    #[test]
    fn a_run_is_its_requests_one_by_one_and_what_is_there_is_what_came_and_has_not_gone(
        keys in proptest::collection::vec(0_u8..40, 1..200), capacity in 1_u64..30, cut in 0_usize..200,
    ) {
        let trace = trace(&keys);
        let cut = cut.min(trace.len());
        for (name, settings) in all(capacity, &trace) {
            let mut whole = build(name, &settings, &trace).unwrap();
            let mut tally = whole.run(trace.requests(0..cut));
            tally.add(&whole.run(trace.requests(cut..trace.len())));
            let mut single = build(name, &settings, &trace).unwrap();
            let mut there = BTreeSet::new();
            let (mut counted, mut gone) = (Tally::default(), Vec::new());
            for place in 0..trace.len() {
                let given = trace.requests(0..trace.len()).get(place);
                let request = request(&trace, place, settings.measure);
                let hit = single.hit(request, &mut gone);
                prop_assert_eq!(hit, there.contains(&request.id), "{} request {}", name, place);
                counted.requests += 1;
                counted.bytes += given.size;
                if hit {
                    counted.hits += 1;
                    counted.bytes_hit += given.size;
                } else if single.insert(request, &mut gone) {
                    counted.inserted += 1;
                    there.insert(request.id);
                }
                counted.evictions += gone.len() as u64;
                for id in gone.drain(..) {
                    prop_assert!(there.remove(&id), "{} lost {} twice", name, id);
                }
                prop_assert!(single.used() <= capacity, "{} holds {}", name, single.used());
                prop_assert!(there.iter().all(|&id| single.contains(id)));
            }
            prop_assert_eq!(tally, counted, "{} {:?}", name, settings);
            prop_assert_eq!(tally.inserted - tally.evictions, there.len() as u64);
        }
    }

    #[test]
    fn what_is_there_came_and_was_neither_told_gone_nor_removed(
        keys in proptest::collection::vec((0_u8..40, any::<bool>(), 0_usize..200), 1..200), capacity in 1_u64..=10,
    ) {
        // Small caches, as the parts of some policies are rounded there, and few keys, which are removed and come again.
        let few = u8::try_from(3 * capacity).unwrap();
        let keys: Vec<_> = keys.into_iter().map(|(key, removes, other)| (key % few, removes, other)).collect();
        let requests: Vec<u8> = keys.iter().map(|one| one.0).collect();
        let trace = trace(&requests);
        let ids = || 0..u32::try_from(trace.distinct()).unwrap();
        for (name, settings) in all(capacity, &trace) {
            let mut cache = build(name, &settings, &trace).unwrap();
            let mut there = BTreeMap::new();
            let mut gone = Vec::new();
            let holds = |cache: &dyn Cache, there: &BTreeMap<u32, u64>| ids().all(|id| cache.contains(id) == there.contains_key(&id));
            for (place, &(_, removes, other)) in keys.iter().enumerate() {
                let request = request(&trace, place, settings.measure);
                let hit = cache.hit(request, &mut gone);
                for id in gone.drain(..) {
                    prop_assert!(there.remove(&id).is_some(), "{} lost {} twice", name, id);
                }
                prop_assert_eq!(hit, there.contains_key(&request.id), "{} {:?} request {}", name, settings, place);
                prop_assert!(holds(cache.as_ref(), &there), "{} {:?} hit {}", name, settings, place);
                if !hit && cache.insert(request, &mut gone) {
                    there.insert(request.id, request.size);
                }
                for id in gone.drain(..) {
                    prop_assert!(there.remove(&id).is_some(), "{} lost {} twice", name, id);
                }
                prop_assert!(holds(cache.as_ref(), &there), "{} {:?} insert {}", name, settings, place);
                if removes {
                    let other = trace.ids()[other % keys.len()];
                    prop_assert_eq!(cache.remove(other), there.remove(&other).is_some(), "{} {:?}", name, settings);
                    prop_assert!(!cache.remove(other), "{} removes what is not there", name);
                    prop_assert!(holds(cache.as_ref(), &there), "{} {:?} removal {}", name, settings, place);
                }
                let whole = there.values().sum::<u64>();
                let uncounted = name == "lirs" && settings.parameters.is_empty();
                prop_assert!(cache.used() == whole || uncounted && cache.used() < whole, "{} {:?}", name, settings);
                prop_assert!(cache.used() <= capacity);
            }
        }
    }

    #[test]
    fn the_victim_that_a_policy_names_goes_first_and_asking_changes_nothing(
        keys in proptest::collection::vec(0_u8..40, 1..200), capacity in 1_u64..30,
    ) {
        let trace = trace(&keys);
        for (name, settings) in all(capacity, &trace) {
            let mut asked = build(name, &settings, &trace).unwrap();
            let mut tally = Tally::default();
            for place in 0..trace.len() {
                let given = trace.requests(0..trace.len()).get(place);
                let request = if settings.measure == Measure::Bytes { given } else { Request { size: 1, ..given } };
                let mut gone = Vec::new();
                if asked.hit(request, &mut gone) {
                    tally.hits += 1;
                    tally.evictions += gone.len() as u64;
                    continue;
                }
                let named = asked.victim();
                prop_assert!(named.is_none_or(|id| asked.contains(id)), "{} names who is not there", name);
                asked.insert(request, &mut gone);
                tally.evictions += gone.len() as u64;
                if let (Some(victim), Some(first)) = (named, gone.first()) {
                    prop_assert_eq!(victim, *first, "{} {:?} request {}", name, settings, place);
                }
            }
            let whole = build(name, &settings, &trace).unwrap().run(trace.requests(0..trace.len()));
            prop_assert_eq!((tally.hits, tally.evictions), (whole.hits, whole.evictions), "{}", name);
        }
    }

    #[test]
    fn a_capacity_of_all_keys_misses_each_once(keys in proptest::collection::vec(0_u8..40, 1..300)) {
        let trace = trace(&keys);
        for (contender, build) in TABLE {
            let mut cache = build(&settings(trace.distinct() as u64, Measure::Objects), &trace).unwrap();
            let tally = cache.run(trace.requests(0..trace.len()));
            // Parts of a cache may be full before the whole is; then what has gone must have come twice.
            let parted = !matches!(contender.name, "fifo" | "lifo" | "lru" | "mru" | "lfu" | "random" | "clock" | "sieve");
            let wanted = trace.distinct() as u64;
            prop_assert!(tally.misses() == wanted || parted && tally.misses() > wanted, "{}", contender.name);
        }
    }
}
