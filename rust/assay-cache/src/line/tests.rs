//! A line beside a plain list of who stands in it.

use proptest::prelude::*;

use super::*;

/// Objects as they stand, each with its mark.
#[derive(Debug, Default)]
struct Plain {
    stand: Vec<(u32, bool)>,
    /// The object at which a hand rests.
    hand: Option<u32>,
}

impl Plain {
    fn at(&self, id: u32) -> Option<usize> {
        self.stand.iter().position(|one| one.0 == id)
    }

    fn pop_first_unmarked(&mut self) -> u32 {
        loop {
            let (id, mark) = self.stand.remove(0);
            if !mark {
                return id;
            }
            self.stand.push((id, false));
        }
    }

    fn after(&self, place: usize) -> Option<u32> {
        self.stand.get(place + 1).map(|one| one.0)
    }

    fn pop_unmarked_at_hand(&mut self) -> u32 {
        let mut place = self.hand.and_then(|id| self.at(id)).unwrap_or(0);
        while std::mem::take(&mut self.stand[place].1) {
            place = (place + 1) % self.stand.len();
        }
        self.hand = self.after(place);
        self.stand.remove(place).0
    }

    fn leave_hand(&mut self, place: usize) {
        if self.hand == Some(self.stand[place].0) {
            self.hand = self.after(place);
        }
        self.stand.remove(place);
    }
}

/// Which ways out of a line a policy uses: ends, marks, or a hand.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Way {
    Ends,
    Marks,
    Hand,
}

/// Steps of kind and object, on a line whose places are given from `start` on.
fn compare(way: Way, start: u32, steps: &[(u8, u32)]) {
    let mut line = Line::new(64);
    (line.first, line.end) = (start, start);
    let mut plain = Plain::default();
    for &(kind, id) in steps {
        assert_eq!(line.contains(id), plain.at(id).is_some());
        match (kind % 8, plain.at(id)) {
            (0..4, None) => {
                line.push(id);
                plain.stand.push((id, false));
            }
            (0, Some(place)) if way == Way::Hand => {
                line.leave_hand(id);
                plain.leave_hand(place);
            }
            (0, Some(place)) => {
                line.leave(id);
                plain.stand.remove(place);
            }
            (1.., Some(place)) if way == Way::Ends => {
                line.renew(id);
                plain.stand.remove(place);
                plain.stand.push((id, false));
            }
            (1..4, Some(place)) => {
                assert!(line.mark(id));
                plain.stand[place].1 = true;
            }
            (kind, _) if !line.is_empty() => {
                let (found, wanted) = match way {
                    Way::Ends if kind < 6 => (line.pop_first(), plain.stand.remove(0).0),
                    Way::Ends => (line.pop_last(), plain.stand.pop().unwrap().0),
                    Way::Marks => (line.pop_first_unmarked(), plain.pop_first_unmarked()),
                    Way::Hand => (line.pop_unmarked_at_hand(), plain.pop_unmarked_at_hand()),
                };
                assert_eq!(found, wanted);
            }
            _ => assert!(!line.mark(id)),
        }
        assert_eq!(line.len() as usize, plain.stand.len());
    }
}

proptest! {
    #[test]
    fn a_line_is_a_list(
        steps in proptest::collection::vec((any::<u8>(), 0_u32..64), 0..300), repeats in 1_usize..20,
    ) {
        // Repeated, so that the ring fills and all move up; with few steps, near the last place that there can be.
        let many: Vec<(u8, u32)> = steps.iter().copied().cycle().take(steps.len() * repeats).collect();
        for way in [Way::Ends, Way::Marks, Way::Hand] {
            compare(way, START, &many);
            compare(way, START * 3 + 17, &many);
            compare(way, u32::MAX / 2 - 500, &many);
        }
    }
}

#[test]
fn a_ring_grows_with_its_line_and_keeps_the_order() {
    let mut line = Line::new(100_000);
    for id in 0..100_000 {
        line.push(id);
        if id % 3 == 0 {
            line.renew(id / 2);
        }
    }
    assert!(line.ids.len() >= 131_072 && line.ids.len() < 700_000);
    let mut last = Vec::new();
    for id in 0..100_000_u32 {
        last.push((u64::from(id) * 2, id));
        if id % 3 == 0 {
            let renewed = (id / 2) as usize;
            last[renewed].0 = u64::from(id) * 2 + 1;
        }
    }
    last.sort_unstable();
    assert!(last.iter().all(|&(_, id)| line.pop_first() == id));
}

#[test]
fn more_objects_than_a_ring_has_room_for_are_refused() {
    let ring = |objects: u64| (u32::try_from(objects).unwrap() * ROOM).checked_next_power_of_two();
    assert_eq!((ring(MOST), ring(MOST + 1)), (Some(1 << 31), None));
    assert_eq!(check_count("lru", MOST), Ok(()));
    let refusal = check_count("lru", MOST + 1).unwrap_err().to_string();
    assert!(
        refusal.starts_with("lru: the cache could hold 715827883 objects; expected at most 715827882"),
        "{refusal}"
    );
}
