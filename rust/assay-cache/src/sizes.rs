//! What objects weigh in a cache: one each, or their bytes. A policy is compiled for both.

use crate::settings::Measure;

/// The weights of the objects that are in a cache.
pub trait Sizes: Send {
    /// Whether objects weigh anything but 1.
    const WEIGHS: bool;
    /// How a capacity is meant with these.
    const MEASURE: Measure;

    /// For so many keys, none of which is there.
    fn of_keys(distinct: usize) -> Self;

    /// Keeps the weight of an object that is put in.
    fn keep(&mut self, id: u32, size: u64);

    /// The weight of an object that is there.
    fn of(&self, id: u32) -> u64;

    /// The weight of an object that may be put in.
    fn weight(size: u64) -> u64;
}

/// Every object weighs 1.
#[derive(Debug, Default)]
pub struct Units;

impl Sizes for Units {
    const WEIGHS: bool = false;
    const MEASURE: Measure = Measure::Objects;

    fn of_keys(_distinct: usize) -> Self {
        Self
    }

    #[inline]
    fn keep(&mut self, _id: u32, _size: u64) {}

    #[inline]
    fn of(&self, _id: u32) -> u64 {
        1
    }

    #[inline]
    fn weight(_size: u64) -> u64 {
        1
    }
}

/// Objects weigh their bytes.
#[derive(Debug, Default)]
pub struct Bytes(Vec<u64>);

impl Sizes for Bytes {
    const WEIGHS: bool = true;
    const MEASURE: Measure = Measure::Bytes;

    fn of_keys(distinct: usize) -> Self {
        Self(assay_core::memory::zeros(distinct))
    }

    #[inline]
    fn keep(&mut self, id: u32, size: u64) {
        self.0[id as usize] = size;
    }

    #[inline]
    fn of(&self, id: u32) -> u64 {
        self.0[id as usize]
    }

    #[inline]
    fn weight(size: u64) -> u64 {
        size
    }
}
