//! Rows of keys, each list ascending: one row where the key lies, more in stretches of one vector.
//!
//! A stretch has room for a power of two; a list that outgrows it, or that half of it would hold, moves to one of its size,
//! and what it leaves is taken by the next list of that size: stretches are never cut, so that a list that grows and
//! shrinks for ever uses the same two. Cost: at most twice the rows of lists, each size at its largest, and nothing for a
//! key that one row holds.

use crate::Found;

/// The rows of one key: itself if it is one, else where they lie.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct List {
    /// How many there are; none for no list.
    pub count: u32,
    /// The row, or where the first of them lies.
    place: u32,
}

/// The rows of all keys that several rows hold.
#[derive(Debug, Default)]
pub struct RowLists {
    rows: Vec<u32>,
    /// Stretches that were left, by the power of two that they have room for.
    left: Vec<Vec<u32>>,
}

fn room_for(count: u32) -> u32 {
    count.next_power_of_two()
}

/// The rows that a list of so many needs at most to take so many more, while it moves from stretch to stretch.
#[must_use]
pub fn growth(count: u32, more: u64) -> u64 {
    let room = |count: u64| if count < 2 { 0 } else { count.next_power_of_two() };
    let (before, after) = (room(u64::from(count)), room(u64::from(count) + more));
    // Each stretch has twice the room of the one before.
    if after == before { 0 } else { 2 * after - 2 * before.max(1) }
}

impl RowLists {
    /// The rows of a list, ascending; a list of one lies with its key.
    #[inline]
    #[must_use]
    pub fn of<'a>(&'a self, list: &'a List) -> &'a [u32] {
        match list.count {
            0 => &[],
            1 => std::slice::from_ref(&list.place),
            count => &self.rows[list.place as usize..][..count as usize],
        }
    }

    /// The least row of a list that has one.
    #[inline]
    #[must_use]
    pub fn first(&self, list: List) -> u32 {
        if list.count == 1 { list.place } else { self.rows[list.place as usize] }
    }

    /// Appends the rows of a list.
    #[inline]
    pub fn collect(&self, list: List, found: &mut Found) {
        if list.count == 1 {
            found.push(list.place);
        } else {
            found.extend(self.of(&list));
        }
    }

    /// How many rows there is room for, in lists or left by them.
    #[must_use]
    pub fn room(&self) -> u64 {
        self.rows.len() as u64
    }

    fn stretch(&mut self, room: u32) -> u32 {
        let size = room.trailing_zeros() as usize;
        if let Some(place) = self.left.get_mut(size).and_then(Vec::pop) {
            return place;
        }
        let place = u32::try_from(self.rows.len()).expect("whoever puts rows in looked whether there is room");
        self.rows.resize(self.rows.len() + room as usize, 0);
        place
    }

    fn leave(&mut self, place: u32, room: u32) {
        let size = room.trailing_zeros() as usize;
        if self.left.len() <= size {
            self.left.resize_with(size + 1, Vec::new);
        }
        self.left[size].push(place);
    }

    /// Puts a row into a list, in its order.
    pub fn insert(&mut self, list: &mut List, row: u32) {
        match list.count {
            0 => *list = List { count: 1, place: row },
            1 => {
                let place = self.stretch(2);
                let (low, high) = (list.place.min(row), list.place.max(row));
                self.rows[place as usize] = low;
                self.rows[place as usize + 1] = high;
                *list = List { count: 2, place };
            }
            count => {
                if room_for(count) == count {
                    let place = self.stretch(count * 2);
                    self.rows.copy_within(list.place as usize..(list.place + count) as usize, place as usize);
                    self.leave(list.place, count);
                    list.place = place;
                }
                let rows = &mut self.rows[list.place as usize..][..=count as usize];
                let at = if rows[count as usize - 1] <= row {
                    count as usize
                } else {
                    rows[..count as usize].partition_point(|other| *other <= row)
                };
                rows.copy_within(at..count as usize, at + 1);
                rows[at] = row;
                list.count += 1;
            }
        }
    }

    /// Takes a row out of a list as often as it is there; how often.
    pub fn remove(&mut self, list: &mut List, row: u32) -> u32 {
        let rows = self.of(list);
        let (low, high) = (rows.partition_point(|other| *other < row), rows.partition_point(|other| *other <= row));
        let gone = u32::try_from(high - low).expect("a list is counted in 32 bits");
        if gone == 0 {
            return 0;
        }
        let (count, left) = (list.count, list.count - gone);
        if count == 1 {
            *list = List::default();
            return gone;
        }
        let start = list.place as usize;
        self.rows.copy_within(start + high..start + count as usize, start + low);
        match left {
            0 => {
                self.leave(list.place, room_for(count));
                *list = List::default();
            }
            1 => {
                let row = self.rows[start];
                self.leave(list.place, room_for(count));
                *list = List { count: 1, place: row };
            }
            _ => {
                let (room, enough) = (room_for(count), room_for(left));
                if enough < room {
                    let place = self.stretch(enough);
                    self.rows.copy_within(start..start + left as usize, place as usize);
                    self.leave(list.place, room);
                    list.place = place;
                }
                list.count = left;
            }
        }
        gone
    }

    /// Forgets a whole list; how many rows it had.
    pub fn clear(&mut self, list: &mut List) -> u32 {
        if list.count > 1 {
            self.leave(list.place, room_for(list.count));
        }
        std::mem::take(list).count
    }

    /// Gives back what only growing needed.
    pub fn shrink(&mut self) {
        self.rows.shrink_to_fit();
    }

    /// The bytes of all lists.
    #[must_use]
    pub fn memory_bytes(&self) -> u64 {
        let left: usize = self.left.iter().map(|places| places.capacity() * size_of::<u32>()).sum();
        (self.rows.capacity() * size_of::<u32>() + left) as u64
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_list_that_grows_and_shrinks_for_ever_takes_no_more() {
        for count in [2, 4, 64] {
            let (mut lists, mut list) = (RowLists::default(), List::default());
            (0..=count).for_each(|row| lists.insert(&mut list, row));
            lists.remove(&mut list, count);
            let before = lists.memory_bytes();
            for _ in 0..1_000 {
                lists.insert(&mut list, count);
                lists.remove(&mut list, count);
            }
            assert_eq!(lists.memory_bytes(), before);
        }
    }

    proptest! {
        #[test]
        fn lists_are_kept_in_order_and_apart(steps in prop::collection::vec((0_usize..4, 0_u32..12, 0_u8..8), 0..300)) {
            let mut lists = RowLists::default();
            let mut heads = [List::default(); 4];
            let mut expected: [Vec<u32>; 4] = Default::default();
            for (at, row, what) in steps {
                match what {
                    0 => prop_assert_eq!(lists.clear(&mut heads[at]) as usize, std::mem::take(&mut expected[at]).len()),
                    1 | 2 => {
                        let before = expected[at].len();
                        expected[at].retain(|other| *other != row);
                        prop_assert_eq!(lists.remove(&mut heads[at], row) as usize, before - expected[at].len());
                    }
                    _ => {
                        let most = lists.room() + growth(heads[at].count, 1);
                        lists.insert(&mut heads[at], row);
                        prop_assert!(lists.room() <= most);
                        expected[at].push(row);
                        expected[at].sort_unstable();
                    }
                }
                for (head, rows) in heads.iter().zip(&expected) {
                    prop_assert_eq!(lists.of(head), rows.as_slice());
                    if !rows.is_empty() {
                        prop_assert_eq!(lists.first(*head), rows[0]);
                    }
                }
            }
        }
    }
}
