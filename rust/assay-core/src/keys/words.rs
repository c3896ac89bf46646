//! Canonical words by the block: what loops in lanes read.

use std::ops::Range;

use crate::keys::{Keys, TimeUnit, Values, float_word};

impl Keys<'_> {
    /// Writes the canonical words of a range of rows; false, with nothing written, where keys are not plain words
    /// without nulls.
    #[allow(clippy::cast_sign_loss)]
    pub fn words(&self, range: Range<usize>, out: &mut [u64]) -> bool {
        if self.validity.is_some() {
            return false;
        }
        macro_rules! fill {
            ($values:ident, $value:ident => $word:expr) => {
                for (slot, $value) in out.iter_mut().zip(&$values[range]) {
                    *slot = $word;
                }
            };
        }
        match &self.values {
            Values::I64(values) => fill!(values, value => *value as u64),
            Values::U64(values) => out.copy_from_slice(&values[range]),
            Values::I32(values) | Values::Date32(values) => fill!(values, value => i64::from(*value) as u64),
            Values::U32(values) => fill!(values, value => u64::from(*value)),
            Values::I16(values) => fill!(values, value => i64::from(*value) as u64),
            Values::Time64(values, TimeUnit::Microsecond) => fill!(values, value => *value as u64),
            Values::F64(values) => fill!(values, value => float_word(*value)),
            _ => return false,
        }
        true
    }
}
