//! Lines that say where in the order a key lies, and lines over lines.
//!
//! Each is drawn as far as a cone of slopes reaches: Galakatos et al., FITing-Tree, SIGMOD 2019.

use assay_core::error::Result;

use crate::{Progress, Steps};

/// How far off the lines over lines may be.
const ERROR_ABOVE: usize = 4;

/// From a first key on, `place + slope * (key - first)`.
#[derive(Debug, Clone, Copy)]
pub struct Line {
    pub first: u64,
    slope: f64,
    pub place: u32,
}

impl Line {
    /// The place that it predicts for a key that is not less than its first.
    #[inline]
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub fn predict(&self, key: u64) -> usize {
        // Places are of 32 bits; far beyond the last key the number stays at the greatest of them.
        self.place as usize + (self.slope * key.saturating_sub(self.first) as f64) as u32 as usize
    }
}

/// Lines such that the first place of each key is predicted to within `error`, up to what floating point rounds.
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)] // places are of 32 bits
fn lines(count: usize, key: impl Fn(usize) -> u64, error: usize, progress: &Progress) -> Result<Vec<Line>> {
    let error = error as f64;
    let mut lines = Vec::new();
    let mut told = Steps::of(count, progress);
    let mut line: Option<(u64, usize, f64, f64)> = None;
    let slope = |low: f64, high: f64| if high.is_finite() { f64::midpoint(low, high) } else { low };
    for at in 0..count {
        told.add(1)?;
        let here = key(at);
        if at > 0 && key(at - 1) == here {
            continue;
        }
        if let Some((first, place, low, high)) = &mut line {
            let (run, rise) = ((here - *first) as f64, (at - *place) as f64);
            let (least, most) = (((rise - error) / run).max(*low), ((rise + error) / run).min(*high));
            if least <= most {
                (*low, *high) = (least, most);
                continue;
            }
            lines.push(Line { first: *first, slope: slope(*low, *high), place: *place as u32 });
        }
        line = Some((here, at, 0.0, f64::INFINITY));
    }
    if let Some((first, place, low, high)) = line {
        lines.push(Line { first, slope: slope(low, high), place: place as u32 });
    }
    told.end()?;
    lines.shrink_to_fit();
    Ok(lines)
}

/// Levels of lines, from one to many; tells of each key once.
pub fn learn(count: usize, key: impl Fn(usize) -> u64, error: usize, progress: &Progress) -> Result<Vec<Vec<Line>>> {
    let mut levels = vec![lines(count, key, error, progress)?];
    while levels[levels.len() - 1].len() > 1 {
        let below = &levels[levels.len() - 1];
        let above = lines(below.len(), |at| below[at].first, ERROR_ABOVE, &Progress::default())?;
        levels.push(above);
    }
    levels.reverse();
    Ok(levels)
}

/// The first of `count` places that is not `before`, looked for around a guess, wherever it is.
#[inline]
pub fn near(count: usize, guess: usize, error: usize, before: impl Fn(usize) -> bool) -> usize {
    let guess = guess.min(count);
    let (mut low, mut high) = (guess.saturating_sub(error), count.min(guess + error));
    let mut step = error;
    while low > 0 && !before(low - 1) {
        high = low - 1;
        low = low.saturating_sub(step);
        step *= 2;
    }
    while high < count && before(high) {
        low = high + 1;
        high = count.min(high + step);
        step *= 2;
    }
    while low < high {
        let middle = low + (high - low) / 2;
        if before(middle) { low = middle + 1 } else { high = middle }
    }
    low
}

/// The last line whose first key is not greater than a head, the first if there is none: looked for around a guess, by the
/// count of those near it.
#[inline(always)]
pub fn line_of(lines: &[Line], guess: usize, head: u64) -> usize {
    const NEAR: usize = 3 * ERROR_ABOVE;
    let start = guess.saturating_sub(NEAR / 2).min(lines.len().saturating_sub(NEAR));
    let around = &lines[start..lines.len().min(start + NEAR)];
    let before: usize = around.iter().map(|line| usize::from(line.first <= head)).sum();
    let is_sure = (before > 0 || start == 0) && (before < around.len() || start + around.len() == lines.len());
    let past =
        if is_sure { start + before } else { near(lines.len(), guess, ERROR_ABOVE, |at| lines[at].first <= head) };
    past.saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn a_line_is_off_by_no_more_than_its_error(
            mut keys in prop::collection::vec(prop_oneof![0_u64..5_000, 1_u64 << 40..1 << 41], 1..3_000),
            error in 1_usize..80,
        ) {
            keys.sort_unstable();
            let lines = lines(keys.len(), |at| keys[at], error, &Progress::default()).unwrap();
            for key in &keys {
                let place = keys.partition_point(|one| one < key);
                let line = lines[lines.partition_point(|line| line.first <= *key) - 1];
                prop_assert!(line.predict(*key).abs_diff(place) <= error + 1, "{key} {place} {line:?}");
            }
        }

        #[test]
        fn a_place_is_found_from_any_guess(place in 0_usize..500, count in 0_usize..500, guess in 0_usize..600, error in 1_usize..70) {
            let place = place.min(count);
            prop_assert_eq!(near(count, guess, error, |at| at < place), place);
        }
    }

    #[test]
    fn keys_at_equal_distances_are_one_line() {
        let levels = learn(100_000, |at| at as u64 * 7 + 3, 4, &Progress::default()).unwrap();
        assert_eq!(levels.iter().map(Vec::len).collect::<Vec<_>>(), [1]);
    }
}
