//! An index over columns: keys are encoded, nulls left out, batches spread over threads.

use std::ops::Bound;

use assay_core::error::{Error, Result};
use assay_core::given::Given;
use assay_core::keys::Keys;
use assay_core::{memory, threads};

use crate::answers::{Answers, Bits, Passes, joined, probe_ends, spread};
use crate::encode::{Batch, Encoded, Limit, Purpose, Row, Shapes, Side};
use crate::space::{Space, Texts, Words};
use crate::{Between, Found, Index, Kind, MOST_ENTRIES, NONE, Ordered, Pairs, Plan, Progress, Take, kind};

#[derive(Debug)]
enum Entries {
    Words(Pairs<Words>),
    Texts(Pairs<Texts>),
}

/// The entries of an index that is to be built.
#[derive(Debug)]
pub struct Builder {
    kind: Kind,
    given: Vec<(String, assay_core::given::Value)>,
    shapes: Option<Shapes>,
    entries: Entries,
    rows: u64,
    /// How many rows will come next, as far as that was said.
    room: usize,
    /// How often building will tell of entries, as far as that was said already.
    expected: Option<u64>,
}

/// A row number as an index keeps it.
fn row_number(row: u64) -> Result<u32> {
    u32::try_from(row).ok().filter(|row| *row != NONE).ok_or_else(|| {
        Error::Data(format!("a row has the number {row}; an index holds row numbers up to {}", NONE - 1))
    })
}

fn check_rows(rows: Option<&[u64]>, keys: usize) -> Result<()> {
    match rows {
        Some(rows) if rows.len() != keys => {
            Err(Error::Data(format!("there are {} row numbers for {keys} keys; expected as many", rows.len())))
        }
        _ => Ok(()),
    }
}

/// The row numbers of those rows that have a key.
fn kept_rows(states: Option<&[Row]>, count: usize, number: impl Fn(usize) -> u64) -> Result<Vec<u32>> {
    (0..count)
        .filter(|row| states.is_none_or(|states| states[*row] == Row::Key))
        .map(|row| row_number(number(row)))
        .collect()
}

impl Builder {
    /// One for a structure of this name with these parameters.
    ///
    /// # Errors
    /// If there is none, or it cannot have them.
    pub fn new(name: &str, given: &Given) -> Result<Self> {
        Ok(Self {
            kind: kind(name, given)?,
            given: given.to_vec(),
            shapes: None,
            entries: Entries::Words(Pairs::default()),
            rows: 0,
            room: 0,
            expected: None,
        })
    }

    /// Says that so many rows will come, piece by piece, and be told of as they come and by every pass of the building.
    pub fn expect(&mut self, rows: usize, progress: &Progress) {
        self.room = rows;
        *self.expected.get_or_insert(0) += self.kind.passes * rows as u64;
        progress.expect((1 + self.kind.passes) * rows as u64);
    }

    /// Takes more rows, with numbers of their own or the next ones.
    ///
    /// # Errors
    /// If a column is of another kind than before, a key is too long, there are too many rows, or it was called off.
    pub fn append(&mut self, columns: &[Keys<'_>], rows: Option<&[u64]>, progress: &Progress) -> Result<()> {
        let shapes = match &self.shapes {
            Some(shapes) => shapes.clone(),
            None => {
                let shapes = Shapes::of(columns);
                if !shapes.are_words() {
                    self.entries = Entries::Texts(Pairs::default());
                }
                self.shapes.insert(shapes).clone()
            }
        };
        let count = columns.first().map_or(0, Keys::len);
        check_rows(rows, count)?;
        let first = self.rows;
        let encoded = shapes.encode(columns, Purpose::PutIn, usize::try_from(first).unwrap_or(usize::MAX))?;
        let numbers =
            kept_rows(encoded.rows.as_deref(), count, |row| rows.map_or(first + row as u64, |rows| rows[row]))?;
        self.rows += count as u64;
        let left_out = self.kind.passes * (count - numbers.len()) as u64;
        match &mut self.entries {
            Entries::Words(pairs) => {
                let Batch::Words(words) = &encoded.keys else { unreachable!("the shapes are words") };
                if pairs.is_empty() {
                    // What is read at random lies in huge pages from the first.
                    pairs.keys = memory::with_capacity(self.room.max(words.len()));
                    pairs.rows = memory::with_capacity(self.room.max(words.len()));
                }
                pairs.keys.extend_from_slice(words);
                pairs.rows.extend_from_slice(&numbers);
            }
            Entries::Texts(pairs) => {
                if pairs.is_empty() {
                    pairs.keys = memory::with_capacity(self.room.max(numbers.len()));
                    pairs.rows = memory::with_capacity(self.room.max(numbers.len()));
                }
                for (text, row) in encoded.keys.texts().iter().zip(numbers) {
                    pairs.push(text, row);
                }
            }
        }
        let Some(expected) = &mut self.expected else { return progress.check() };
        // What has no key is no entry, and nothing is to be done with it.
        *expected -= left_out;
        progress.add(count as u64 + left_out)
    }

    /// How many entries there are.
    #[must_use]
    pub fn entries(&self) -> usize {
        match &self.entries {
            Entries::Words(pairs) => pairs.len(),
            Entries::Texts(pairs) => pairs.len(),
        }
    }

    /// The index.
    ///
    /// # Errors
    /// If there are too many entries, or it was called off.
    pub fn finish(self, threads: usize, progress: &Progress) -> Result<Built> {
        if self.entries() as u64 > MOST_ENTRIES {
            return Err(Error::Data(format!(
                "the column has {} keys; an index holds at most {MOST_ENTRIES}: partition the column first",
                self.entries()
            )));
        }
        progress.expect((self.kind.passes * self.entries() as u64).saturating_sub(self.expected.unwrap_or(0)));
        let plan = Plan { given: &self.given, threads, progress };
        let inner = match self.entries {
            Entries::Words(mut pairs) => {
                pairs.shrink();
                Inner::Words((self.kind.words)(pairs, &plan)?)
            }
            Entries::Texts(mut pairs) => {
                pairs.shrink();
                Inner::Texts((self.kind.texts)(pairs, &plan)?)
            }
        };
        Ok(Built { kind: self.kind, shapes: self.shapes, inner })
    }
}

#[derive(Debug)]
enum Inner {
    Words(Box<dyn Index<Words>>),
    Texts(Box<dyn Index<Texts>>),
}

/// An index over one column or several.
#[derive(Debug)]
pub struct Built {
    kind: Kind,
    shapes: Option<Shapes>,
    inner: Inner,
}

/// Calls the same on either space, with `$index` and the keys of `$encoded` as `$probes`.
macro_rules! with_probes {
    ($inner:expr, $encoded:expr, ($index:ident, $probes:ident) => $work:expr) => {
        match $inner {
            Inner::Words($index) => {
                let Batch::Words($probes) = &$encoded.keys else { unreachable!("the shapes are words") };
                $work
            }
            Inner::Texts($index) => {
                let $probes = $encoded.keys.texts();
                $work
            }
        }
    };
}

macro_rules! with_index {
    ($inner:expr, $index:ident => $work:expr) => {
        match $inner {
            Inner::Words($index) => $work,
            Inner::Texts($index) => $work,
        }
    };
}

impl Built {
    /// How many entries there are.
    #[must_use]
    pub fn entries(&self) -> u64 {
        with_index!(&self.inner, index => index.len())
    }

    /// The bytes that it takes.
    #[must_use]
    pub fn memory_bytes(&self) -> u64 {
        with_index!(&self.inner, index => index.memory_bytes())
    }

    /// What else is to be said of it.
    #[must_use]
    pub fn statistics(&self) -> Vec<(&'static str, f64)> {
        with_index!(&self.inner, index => index.statistics())
    }

    /// The columns' shapes; an index that was built of no rows takes those of the first that come.
    fn shapes(&self, columns: &[Keys<'_>]) -> Result<Shapes> {
        match &self.shapes {
            Some(shapes) => Ok(shapes.clone()),
            None => {
                let shapes = Shapes::of(columns);
                if shapes.are_words() == matches!(self.inner, Inner::Words(_)) {
                    return Ok(shapes);
                }
                Err(Error::Data(
                    "the index was built of no column; build it of an empty one of the right type".to_owned(),
                ))
            }
        }
    }

    /// The rows of each key.
    ///
    /// # Errors
    /// If keys are of another kind than the column's, or lists do not have all of them.
    pub fn lookup(&self, columns: &[Keys<'_>], threads: usize, passes: Passes<'_>) -> Result<Answers> {
        let encoded = self.shapes(columns)?.encode(columns, Purpose::Ask, 0)?;
        let rows = columns.first().map_or(0, Keys::len);
        let found = with_probes!(&self.inner, encoded, (index, probes) => match passes {
            Passes::Shared => joined(threads::map(probes.len(), threads, |range| {
                let mut found = Found::with_capacity(range.len());
                index.lookup(&probes[range], &mut found);
                found
            })),
            Passes::Apart => joined(threads::map(probes.len(), threads, |range| {
                let mut found = Found::with_capacity(range.len());
                probes[range].chunks(1).for_each(|one| index.lookup(one, &mut found));
                found
            })),
            Passes::Lists(ends) => {
                let ends = probe_ends(ends, rows, &encoded)?;
                joined(threads::map(ends.len(), threads, |range| {
                    let mut first = range.start.checked_sub(1).map_or(0, |before| ends[before]);
                    let mut found = Found::with_capacity(ends[range.clone()].last().map_or(0, |last| last - first));
                    for end in &ends[range] {
                        if first < *end {
                            index.lookup(&probes[first..*end], &mut found);
                            first = *end;
                        }
                    }
                    found
                }))
            }
        });
        Ok(spread(found, &encoded))
    }

    /// The least row of each key; where there is none, the bitmap says so.
    ///
    /// # Errors
    /// If keys are of another kind than the column's.
    pub fn lookup_first(&self, columns: &[Keys<'_>], threads: usize) -> Result<(Vec<u64>, Option<Vec<u8>>)> {
        let encoded = self.shapes(columns)?.encode(columns, Purpose::Ask, 0)?;
        let first = with_probes!(&self.inner, encoded, (index, probes) => {
            let mut first = vec![NONE; probes.len()];
            threads::fill(&mut first, threads, |start, part| index.lookup_first(&probes[start..start + part.len()], part));
            first
        });
        let mut next = first.iter();
        let rows = columns.first().map_or(0, Keys::len);
        let mut validity = Bits::new(rows);
        let answers = (0..rows).map(|row| {
            let is_key = encoded.rows.as_ref().is_none_or(|states| states[row] == Row::Key);
            let found = if is_key { *next.next().expect("a key has an answer") } else { NONE };
            validity.set(row, found != NONE);
            if found == NONE { 0 } else { u64::from(found) }
        });
        Ok((answers.collect(), validity.finish()))
    }

    /// The structure by order.
    fn check_order(&self) -> Result<()> {
        if with_index!(&self.inner, index => index.ordered().is_some()) {
            return Ok(());
        }
        let with: Vec<_> = crate::contenders().filter(|one| one.can("ordered")).map(|one| one.name).collect();
        Err(Error::Parameter(format!(
            "{} does not know the order of its keys; for ranges build one of {}",
            self.kind.contender.name,
            with.join(", ")
        )))
    }

    /// A bound of a range, of the first columns of a key.
    ///
    /// # Errors
    /// If it is of another kind, or null.
    pub fn bound(&self, columns: Option<&[Keys<'_>]>, row: usize, side: Side, included: bool) -> Result<Limit> {
        match columns {
            None => Ok(Limit::None),
            Some(columns) => match &self.shapes {
                Some(shapes) => shapes.bound(columns, row, side, included),
                None => Ok(Limit::Nothing),
            },
        }
    }

    /// The rows of keys within bounds, in the order of keys.
    ///
    /// # Errors
    /// If the structure has no order.
    pub fn range(&self, low: &Limit, high: &Limit, take: Take) -> Result<Vec<u64>> {
        self.check_order()?;
        let mut rows = Vec::new();
        match &self.inner {
            Inner::Words(index) => {
                if let (Some(low), Some(high)) = (word_bound(low), word_bound(high)) {
                    ordered(index.as_ref()).range(&Between { low, high }, take, &mut rows);
                }
            }
            Inner::Texts(index) => {
                if let (Some(low), Some(high)) = (text_bound(low), text_bound(high)) {
                    ordered(index.as_ref()).range(&Between { low, high }, take, &mut rows);
                }
            }
        }
        Ok(rows)
    }

    /// The rows of each range of a batch; a null bound makes a null answer. Bounds may have the first columns of a key
    /// alone.
    ///
    /// # Errors
    /// If the structure has no order, or a bound is of another kind.
    pub fn ranges(
        &self,
        lows: &[Keys<'_>],
        highs: &[Keys<'_>],
        closed: (bool, bool),
        threads: usize,
    ) -> Result<Answers> {
        self.check_order()?;
        let count = lows.first().map_or(0, Keys::len);
        if highs.first().map_or(0, Keys::len) != count {
            return Err(Error::Data(format!(
                "there are {count} low bounds and {} high ones; expected as many",
                highs.first().map_or(0, Keys::len)
            )));
        }
        let shapes = self.shapes(if lows.len() > highs.len() { lows } else { highs })?;
        shapes.check_front(lows)?;
        shapes.check_front(highs)?;
        if let Inner::Words(index) = &self.inner {
            let (low, high) = (shapes.encode(lows, Purpose::Ask, 0)?, shapes.encode(highs, Purpose::Ask, 0)?);
            if let (Encoded { keys: Batch::Words(low), rows: None }, Encoded { keys: Batch::Words(high), rows: None }) =
                (&low, &high)
            {
                let bound =
                    |word: u64, included: bool| if included { Bound::Included(word) } else { Bound::Excluded(word) };
                let found = joined(threads::map(count, threads, |range| {
                    let betweens: Vec<Between<'_, Words>> = range
                        .map(|at| Between { low: bound(low[at], closed.0), high: bound(high[at], closed.1) })
                        .collect();
                    let mut found = Found::with_capacity(betweens.len());
                    ordered(index.as_ref()).ranges(&betweens, &mut found);
                    found
                }));
                return Ok(Answers { found, validity: None });
            }
        }
        let is_null = |row: usize| lows.iter().chain(highs).any(|keys| keys.is_null(row));
        let parts = threads::map(count, threads, |range| {
            let limits = range.map(|row| {
                if is_null(row) {
                    return Ok((Limit::Nothing, Limit::Nothing));
                }
                let low = shapes.bound(lows, row, Side::Low, closed.0)?;
                Ok((low, shapes.bound(highs, row, Side::High, closed.1)?))
            });
            let limits = limits.collect::<Result<Vec<_>>>()?;
            Ok(match &self.inner {
                Inner::Words(index) => within(index.as_ref(), &limits, word_bound),
                Inner::Texts(index) => within(index.as_ref(), &limits, text_bound),
            })
        });
        let found = joined(parts.into_iter().collect::<Result<_>>()?);
        let mut validity = Bits::new(count);
        (0..count).for_each(|row| validity.set(row, !is_null(row)));
        Ok(Answers { found, validity: validity.finish() })
    }

    /// What of a batch is put in, once all of it has been found to fit.
    fn entries_of<'a>(
        &self,
        columns: &'a [Keys<'_>],
        rows: &[u64],
        first: usize,
    ) -> Result<(Shapes, Encoded<'a>, Vec<u32>)> {
        let shapes = self.shapes(columns)?;
        let count = columns.first().map_or(0, Keys::len);
        check_rows(Some(rows), count)?;
        let encoded = shapes.encode(columns, Purpose::PutIn, first)?;
        let numbers = kept_rows(encoded.rows.as_deref(), count, |row| rows[row])?;
        Ok((shapes, encoded, numbers))
    }

    fn check_room(&self, encoded: &Encoded<'_>, more: u64, before: u64) -> Result<()> {
        if self.entries() + before + more > MOST_ENTRIES {
            return Err(Error::Data(format!(
                "the index would hold more than {MOST_ENTRIES} entries; partition the column"
            )));
        }
        with_probes!(&self.inner, encoded, (index, probes) => index.check_room(probes.as_ref(), before))
    }

    /// How many entries [`Self::insert`] would put in after so many others; messages number rows from `first` on. Whoever
    /// puts in batch after batch asks for all of them first, so that an error leaves nothing half done.
    ///
    /// # Errors
    /// Those of [`Self::insert`].
    pub fn check_insert(&self, columns: &[Keys<'_>], rows: &[u64], first: usize, before: u64) -> Result<u64> {
        let (_, encoded, numbers) = self.entries_of(columns, rows, first)?;
        self.check_room(&encoded, numbers.len() as u64, before)?;
        Ok(numbers.len() as u64)
    }

    /// Puts entries in; those without a key are left out. How many came in: all of them, or on an error none.
    ///
    /// # Errors
    /// If keys are of another kind than the column's or do not fit its type, or there would be too many.
    pub fn insert(&mut self, columns: &[Keys<'_>], rows: &[u64]) -> Result<u64> {
        let (shapes, encoded, numbers) = self.entries_of(columns, rows, 0)?;
        self.check_room(&encoded, numbers.len() as u64, 0)?;
        with_probes!(&mut self.inner, encoded, (index, probes) => index.insert(probes.as_ref(), &numbers));
        self.shapes = Some(shapes);
        Ok(numbers.len() as u64)
    }

    /// Takes entries out, all of these keys or just these pairs; how many left.
    ///
    /// # Errors
    /// If keys are of another kind than the column's.
    pub fn delete(&mut self, columns: &[Keys<'_>], rows: Option<&[u64]>) -> Result<u64> {
        let shapes = self.shapes(columns)?;
        let count = columns.first().map_or(0, Keys::len);
        check_rows(rows, count)?;
        let encoded = shapes.encode(columns, Purpose::TakeOut, 0)?;
        // A number that no entry can have is told by none of them.
        let numbers = rows.map(|rows| {
            (0..count)
                .filter(|row| encoded.rows.as_ref().is_none_or(|states| states[*row] == Row::Key))
                .map(|row| u32::try_from(rows[row]).unwrap_or(NONE))
                .collect::<Vec<_>>()
        });
        Ok(with_probes!(&mut self.inner, encoded, (index, probes) => {
            index.delete(probes.as_ref(), numbers.as_deref())
        }))
    }
}

fn ordered<S: Space>(index: &dyn Index<S>) -> &dyn Ordered<S> {
    index.ordered().expect("it was asked whether it has an order")
}

fn word_bound(limit: &Limit) -> Option<Bound<u64>> {
    match limit {
        Limit::None => Some(Bound::Unbounded),
        Limit::Word(bound) => Some(*bound),
        Limit::Nothing | Limit::Texts(_) => None,
    }
}

fn text_bound(limit: &Limit) -> Option<Bound<&[u8]>> {
    match limit {
        Limit::None => Some(Bound::Unbounded),
        Limit::Texts(bound) => Some(bound.as_ref().map(Vec::as_slice)),
        Limit::Nothing | Limit::Word(_) => None,
    }
}

/// The rows within each pair of limits; none where nothing is within them.
fn within<'a, S: Space>(
    index: &dyn Index<S>,
    limits: &'a [(Limit, Limit)],
    bound: impl Fn(&'a Limit) -> Option<Bound<S::Probe<'a>>>,
) -> Found {
    let asked: Vec<Option<Between<'a, S>>> =
        limits.iter().map(|(low, high)| Some(Between { low: bound(low)?, high: bound(high)? })).collect();
    let betweens: Vec<Between<'a, S>> =
        asked.iter().flatten().map(|one| Between { low: one.low, high: one.high }).collect();
    let mut found = Found::with_capacity(betweens.len());
    ordered(index).ranges(&betweens, &mut found);
    if betweens.len() < asked.len() {
        let (mut next, mut last) = (found.ends.iter(), 0);
        let ends = asked.iter().map(|one| {
            if one.is_some() {
                last = *next.next().expect("a range has an answer");
            }
            last
        });
        found.ends = ends.collect();
    }
    found
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use assay_core::keys::{Bitmap, Values};

    use super::*;

    /// Notes how many probes each call has.
    #[derive(Debug)]
    struct Noting(Arc<Mutex<Vec<usize>>>);

    impl Index<Words> for Noting {
        fn len(&self) -> u64 {
            0
        }

        fn memory_bytes(&self) -> u64 {
            0
        }

        fn lookup(&self, probes: &[u64], found: &mut Found) {
            self.0.lock().unwrap().push(probes.len());
            probes.iter().for_each(|_| found.end());
        }

        fn insert(&mut self, _: &[u64], _: &[u32]) {}

        fn delete(&mut self, _: &[u64], _: Option<&[u32]>) -> u64 {
            0
        }
    }

    #[test]
    fn keys_share_a_pass_as_they_are_told() {
        let valid = [0b11_1101]; // all but the second
        let asked = [Keys::new(Values::U64(&[1, 2, 3, 4, 5, 6]), Some(Bitmap::new(&valid, 0, 6)), 6).unwrap()];
        for (passes, expected) in [
            (Passes::Shared, &[5][..]),
            (Passes::Apart, &[1; 5]),
            (Passes::Lists(&[2, 2, 5, 6]), &[1, 3, 1]),
            (Passes::Lists(&[1, 2, 6]), &[1, 4]),
        ] {
            let noted = Arc::default();
            let inner = Inner::Words(Box::new(Noting(Arc::clone(&noted))));
            let built = Built { kind: kind("scan", &[]).unwrap(), shapes: Some(Shapes::of(&asked)), inner };
            assert_eq!(built.lookup(&asked, 1, passes).unwrap().found.ends, [0; 6], "{passes:?}");
            assert_eq!(*noted.lock().unwrap(), expected, "{passes:?}");
        }
    }
}
