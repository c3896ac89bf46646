//! A trace: requests in the order of time, whose keys are dense numbers.
//!
//! Keys are numbered in the order of their first appearance, so that the first request of a key is the one whose
//! number is the next. Cost: 4 bytes a request, 8 more for each of sizes and times where there are any, 8 bytes
//! a key (16 once W-TinyLFU has run), and while the trace is read what `numbering.rs` needs.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use crate::Requests;
use crate::next_uses::next_uses;
use crate::numbering::Numbering;
use crate::sketch::Hashes;
use assay_core::error::{Error, Result};
use assay_core::keys::Keys;
use assay_core::memory;

/// Requests in the order of time.
#[derive(Debug, Default)]
pub struct Trace {
    numbering: Numbering,
    /// Whether no key can be numbered any more.
    finished: bool,
    ids: Arc<Vec<u32>>,
    /// See [`Trace::next_uses`]; made when somebody asks.
    next_uses: OnceLock<Arc<Vec<u32>>>,
    times: Option<Arc<Vec<i64>>>,
    lifetimes: Option<Arc<Vec<u64>>>,
    distinct: usize,
    /// Each key as a word, for policies that hash it.
    words: Vec<u64>,
    /// See [`Trace::sketch_hashes`]; made when somebody asks.
    sketch_hashes: OnceLock<Arc<Vec<Hashes>>>,
    sizes: Option<Vec<u64>>,
    /// Bytes of all objects, each with the size of its first request.
    footprint: u64,
    /// The sizes of all requests.
    bytes: u64,
}

/// The sum of sizes and those before. As long as it has 64 bits, so has whatever is summed of a trace: what lies in a
/// cache, and the bytes of hits.
fn sum_of_bytes(before: u64, sizes: &[u64]) -> Result<u64> {
    let sum = sizes.iter().fold(u128::from(before), |sum, size| sum + u128::from(*size));
    u64::try_from(sum).map_err(|_| {
        Error::Data(format!(
            "the sizes of all requests are {sum} bytes together, or more; expected at most {}: are they in another unit?",
            u64::MAX
        ))
    })
}

impl Trace {
    /// One of these keys' numbers, which must be dense and in the order of first appearance.
    ///
    /// # Errors
    /// If they are not.
    pub fn of_ids(ids: Vec<u32>, sizes: Option<Vec<u64>>) -> Result<Self> {
        let mut distinct = 0;
        for (place, &id) in ids.iter().enumerate() {
            if id as usize > distinct {
                return Err(Error::Data(format!(
                    "request {place} is for key {id}, but only {distinct} keys came before"
                )));
            }
            distinct += usize::from(id as usize == distinct);
        }
        let words = (0..distinct as u64).collect();
        let mut made = Self::default();
        made.check_sizes(ids.len(), sizes.as_deref())?;
        (made.ids, made.distinct, made.words, made.finished) = (Arc::new(ids), distinct, words, true);
        made.add_sizes(0, 0, sizes);
        Ok(made)
    }

    /// Appends the requests of these keys, which go on where those before ended; all of them have sizes, or none.
    ///
    /// # Errors
    /// If a key is null, or there are sizes here and none before or the other way round; or if the trace was finished
    /// or has its times. Then nothing is appended.
    pub fn append(&mut self, keys: &Keys<'_>, sizes: Option<Vec<u64>>) -> Result<()> {
        if self.finished || self.times.is_some() {
            return Err(Error::Data(
                "nothing can be appended to a trace that was finished or has its times; begin another one".to_owned(),
            ));
        }
        self.check_sizes(keys.len(), sizes.as_deref())?;
        let first = self.ids.len();
        if let Some(row) = keys.may_be_null().then(|| (0..keys.len()).find(|&row| keys.is_null(row))).flatten() {
            let place = first + row;
            return Err(Error::Data(format!(
                "the key of request {place} is null; a request is for some object: leave it out"
            )));
        }
        let known = self.distinct;
        let ids = Arc::make_mut(&mut self.ids);
        ids.resize(first + keys.len(), 0);
        self.numbering.number(keys, &mut self.words, &mut ids[first..]);
        self.distinct = self.words.len();
        (self.next_uses, self.sketch_hashes) = (OnceLock::new(), OnceLock::new());
        self.add_sizes(first, known, sizes);
        Ok(())
    }

    /// So many more requests are to come: their memory is taken at once, if there is any.
    pub fn expect(&mut self, more: usize) {
        let ids = Arc::make_mut(&mut self.ids);
        if ids.try_reserve_exact(more).is_ok() {
            memory::advise(ids.spare_capacity_mut());
        }
    }

    /// Whether so many requests may come with these sizes.
    fn check_sizes(&self, added: usize, sizes: Option<&[u64]>) -> Result<()> {
        if !self.is_empty() && added > 0 && self.sizes.is_some() != sizes.is_some() {
            return Err(Error::Data("some requests have sizes and others have none; give all of them one".to_string()));
        }
        let Some(sizes) = sizes else { return Ok(()) };
        if sizes.len() != added {
            return Err(Error::Data(format!("there are {} sizes for {added} requests; expected as many", sizes.len())));
        }
        sum_of_bytes(self.bytes, sizes).map(|_| ())
    }

    /// Appends the sizes of the requests from `first` on, which were checked; so many keys were known before.
    fn add_sizes(&mut self, first: usize, known: usize, sizes: Option<Vec<u64>>) {
        let Some(mut sizes) = sizes.filter(|sizes| !sizes.is_empty()) else { return };
        let mut fresh = known;
        for (&id, &size) in self.ids[first..].iter().zip(&sizes) {
            self.bytes += size;
            if id as usize == fresh {
                fresh += 1;
                self.footprint += size;
            }
        }
        self.sizes.get_or_insert_default().append(&mut sizes);
    }

    /// How long the object of each request is true, where [`Ttl::OfRequests`](crate::settings::Ttl) is asked for: an
    /// object that is put in is true for as long as its last request so far said that did not say 0; for ever if none
    /// did.
    ///
    /// # Errors
    /// If they are not as many as the requests.
    pub fn set_lifetimes(&mut self, lifetimes: Vec<u64>) -> Result<()> {
        if lifetimes.len() != self.len() {
            return Err(Error::Data(format!(
                "there are {} lifetimes for {} requests; expected as many",
                lifetimes.len(),
                self.len()
            )));
        }
        self.lifetimes = Some(Arc::new(lifetimes));
        Ok(())
    }

    /// What [`Trace::set_lifetimes`] was given.
    #[must_use]
    pub fn lifetimes(&self) -> Option<Arc<Vec<u64>>> {
        self.lifetimes.clone()
    }

    /// Gives the memory back that only reading needed; nothing can be appended by keys any more.
    pub fn finish(&mut self) {
        self.numbering = Numbering::default();
        self.finished = true;
        Arc::make_mut(&mut self.ids).shrink_to_fit();
    }

    /// The number of requests.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there is no request.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// The number of distinct keys.
    #[must_use]
    pub fn distinct(&self) -> usize {
        self.distinct
    }

    /// The keys' numbers.
    #[must_use]
    pub fn ids(&self) -> &[u32] {
        &self.ids
    }

    /// The keys' numbers, for a policy that looks requests up by their place.
    #[must_use]
    pub fn shared_ids(&self) -> Arc<Vec<u32>> {
        Arc::clone(&self.ids)
    }

    /// For each request the number of the next one for the same key: see [`next_uses`]. Made once.
    #[must_use]
    pub fn next_uses(&self) -> Arc<Vec<u32>> {
        Arc::clone(self.next_uses.get_or_init(|| Arc::new(next_uses(&self.ids, self.distinct))))
    }

    /// The hashes of each key for the sketch of W-TinyLFU: of an integer as it is, of text by its XXH64; of a trace of
    /// numbers alone, of the number. Made once.
    #[must_use]
    pub fn sketch_hashes(&self) -> Arc<Vec<Hashes>> {
        Arc::clone(self.sketch_hashes.get_or_init(|| {
            let mut hashes = Vec::with_capacity(self.words.len());
            memory::advise(hashes.spare_capacity_mut());
            hashes.extend(self.words.iter().map(|&word| Hashes::of(word)));
            Arc::new(hashes)
        }))
    }

    /// Gives each request its time.
    ///
    /// # Errors
    /// If there are not as many as requests, or time goes backwards.
    pub fn set_times(&mut self, times: Vec<i64>) -> Result<()> {
        if times.len() != self.len() {
            return Err(Error::Data(format!(
                "there are {} times for {} requests; expected as many",
                times.len(),
                self.len()
            )));
        }
        if let Some(place) = times.windows(2).position(|pair| pair[1] < pair[0]) {
            return Err(Error::Data(format!(
                "time goes backwards: request {} is at {}, after one at {}; sort the trace by time, or leave the time out",
                place + 1,
                times[place + 1],
                times[place]
            )));
        }
        self.times = Some(Arc::new(times));
        Ok(())
    }

    /// The time of each request, if they have one.
    #[must_use]
    pub fn times(&self) -> Option<Arc<Vec<i64>>> {
        self.times.clone()
    }

    /// Whether requests have sizes.
    #[must_use]
    pub fn has_sizes(&self) -> bool {
        self.sizes.is_some()
    }

    /// The sizes of the requests, if they have any.
    #[must_use]
    pub fn sizes(&self) -> Option<&[u64]> {
        self.sizes.as_deref()
    }

    /// The bytes of all objects, each with the size of its first request.
    #[must_use]
    pub fn footprint_bytes(&self) -> u64 {
        self.footprint
    }

    /// The sizes of all requests together.
    #[must_use]
    pub fn requested_bytes(&self) -> u64 {
        self.bytes
    }

    /// The mean size of the object that a byte of the footprint is of: of few large objects among many small ones, about
    /// that of the large ones. 0 where there are no bytes.
    #[must_use]
    #[allow(clippy::cast_precision_loss)]
    pub fn size_of_bytes_mean(&self) -> f64 {
        let mut fresh = 0;
        let mut squares = 0.0;
        for (&id, &size) in self.ids.iter().zip(self.sizes().unwrap_or_default()) {
            if id == fresh {
                fresh += 1;
                squares += size as f64 * size as f64;
            }
        }
        if self.footprint == 0 { 0.0 } else { squares / self.footprint as f64 }
    }

    /// These requests.
    #[must_use]
    pub fn requests(&self, range: Range<usize>) -> Requests<'_> {
        let first = range.start as u64;
        Requests { ids: &self.ids[range.clone()], sizes: self.sizes.as_ref().map(|sizes| &sizes[range]), first }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_core::keys::{Bitmap, Values};

    fn append(trace: &mut Trace, keys: &[u64], sizes: Option<&[u64]>) -> Result<()> {
        trace.append(&Keys::new(Values::U64(keys), None, keys.len())?, sizes.map(<[u64]>::to_vec))
    }

    #[test]
    fn requests_that_were_refused_leave_the_trace_as_it_was() {
        let mut trace = Trace::default();
        append(&mut trace, &[], Some(&[])).unwrap();
        append(&mut trace, &[7, 8, 7], Some(&[1, 2, u64::MAX - 9])).unwrap();
        for sizes in [None, Some(&[1][..]), Some(&[1, 6])] {
            assert!(matches!(append(&mut trace, &[9, 8], sizes), Err(Error::Data(_))), "{sizes:?}");
            assert_eq!((trace.len(), trace.distinct(), trace.requests(0..3).ids), (3, 2, &[0, 1, 0][..]));
        }
        append(&mut trace, &[9, 8], Some(&[1, 5])).unwrap();
        assert_eq!((trace.ids(), trace.footprint_bytes()), (&[0, 1, 0, 2, 1][..], 4));
        assert_eq!(trace.requested_bytes(), u64::MAX - 9 + 3 + 6);
        assert!((trace.size_of_bytes_mean() - (1.0 + 4.0 + 1.0) / 4.0).abs() < 1e-12);
        assert!(Trace::default().size_of_bytes_mean().abs() < 1e-12);
    }

    #[test]
    fn a_null_is_refused_and_the_keys_beside_it_get_no_number() {
        let (values, bits) = ([9_u64, 9, 3], [0b101_u8]);
        let keys = Keys::new(Values::U64(&values), Some(Bitmap::new(&bits, 0, 3)), 3).unwrap();
        let mut trace = Trace::default();
        append(&mut trace, &[7, 8], None).unwrap();
        let refused = trace.append(&keys, None).unwrap_err().to_string();
        assert!(refused.contains("request 3 is null"), "{refused}");
        append(&mut trace, &[3, 8], None).unwrap();
        assert_eq!((trace.ids(), trace.distinct(), &trace.words[..]), (&[0, 1, 2, 1][..], 3, &[7, 8, 3][..]));
    }

    #[test]
    fn nothing_is_appended_to_a_trace_that_is_finished_or_has_times() {
        let (mut finished, mut timed) = (Trace::default(), Trace::default());
        for trace in [&mut finished, &mut timed] {
            append(trace, &[7, 8], None).unwrap();
        }
        finished.finish();
        timed.set_times(vec![1, 1]).unwrap();
        for mut trace in [finished, timed, Trace::of_ids(vec![0], None).unwrap()] {
            let before = trace.len();
            assert!(matches!(append(&mut trace, &[7], None), Err(Error::Data(_))));
            assert_eq!(trace.len(), before);
        }
    }
}
