//! Loops compiled for the widest vectors that the processor has, chosen at run time.
//!
//! A loop is written once, as a function over slices that is always inlined; it is compiled for AVX-512,
//! for AVX2 and for any processor, and the first of these that is there runs. One binary serves all
//! machines of an architecture, and every path gives the same bits: tests run each beside the portable one.
//! [`limit_to`] takes the wider paths away, as a processor without them would: the binding does so by an
//! environment variable, so that every test can run on every path. Kernels that need instructions beyond a
//! path's own (SHA, carry-less products) ask for them *and* for the path: `lanes::allows(Path::Avx2)`.

use std::sync::OnceLock;

use crate::error::{Error, Result};

/// A set of instructions that loops are compiled for.
///
/// Paths are ordered by width: what a narrower path can do, a wider one can too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Path {
    /// What every processor of the architecture has.
    Portable,
    /// 256-bit vectors.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// 512-bit vectors with 64-bit products: AVX-512 F, DQ and VL, beside AVX2 and BMI.
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

static LIMIT: OnceLock<Path> = OnceLock::new();

impl Path {
    /// The paths that this processor can run, the widest first.
    #[must_use]
    pub fn available() -> Vec<Self> {
        let mut found = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl")
                && is_x86_feature_detected!("avx2")
                && is_x86_feature_detected!("bmi1")
                && is_x86_feature_detected!("bmi2")
            {
                found.push(Self::Avx512);
            }
            if is_x86_feature_detected!("avx2") {
                found.push(Self::Avx2);
            }
        }
        found.push(Self::Portable);
        found
    }

    /// The widest path that this processor can run and that [`limit_to`] has left.
    #[must_use]
    pub fn widest() -> Self {
        static WIDEST: OnceLock<Path> = OnceLock::new();
        *WIDEST.get_or_init(|| {
            let limit = LIMIT.get().copied();
            let left = |path: &Self| limit.is_none_or(|limit| *path <= limit);
            Self::available().into_iter().find(left).unwrap_or(Self::Portable)
        })
    }

    /// The path of this name, whether the processor has it or not.
    ///
    /// # Errors
    /// If the architecture has no path of this name.
    pub fn parse(name: &str) -> Result<Self> {
        let known: &[Self] = &[
            Self::Portable,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2,
            #[cfg(target_arch = "x86_64")]
            Self::Avx512,
        ];
        known.iter().find(|path| path.name() == name).copied().ok_or_else(|| Error::UnknownName {
            thing: "set of instructions",
            name: name.to_owned(),
            known: known.iter().map(|path| path.name()).collect::<Vec<_>>().join(", "),
        })
    }

    /// What it is called: `avx512`, `avx2` or `portable`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => "avx512",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => "avx2",
            Self::Portable => "portable",
        }
    }
}

/// Whether kernels may use instructions of this path's generation.
#[must_use]
pub fn allows(path: Path) -> bool {
    path <= Path::widest()
}

/// Uses no path wider than this one, in this process; to be called once, before the first loop runs.
pub fn limit_to(path: Path) {
    // A second call changes nothing: loops may have run on the first one's path.
    let _ = LIMIT.set(path);
}

/// Something to be done over slices, whose loop is worth vectors.
pub trait Loop {
    /// What it gives.
    type Output;

    /// The loop; to be marked `#[inline(always)]`, so that it is compiled anew for each path.
    fn run(self) -> Self::Output;
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx2,bmi1,bmi2")]
fn run_avx512<L: Loop>(work: L) -> L::Output {
    work.run()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn run_avx2<L: Loop>(work: L) -> L::Output {
    work.run()
}

/// Runs the loop on a path that [`Path::available`] gave.
pub fn run_on<L: Loop>(path: Path, work: L) -> L::Output {
    match path {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the path is there only where the processor has these instructions.
        Path::Avx512 => unsafe { run_avx512(work) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Path::Avx2 => unsafe { run_avx2(work) },
        Path::Portable => work.run(),
    }
}

/// Runs the loop on the widest path.
pub fn run<L: Loop>(work: L) -> L::Output {
    run_on(Path::widest(), work)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Sum<'a>(&'a [u32]);

    impl Loop for Sum<'_> {
        type Output = u64;

        #[inline(always)]
        fn run(self) -> u64 {
            self.0.iter().map(|value| u64::from(*value)).sum()
        }
    }

    #[test]
    fn paths_are_named_and_ordered_by_width() {
        let paths = Path::available();
        assert!(paths.is_sorted_by(|wide, narrow| wide > narrow), "{paths:?}");
        assert!(paths.iter().all(|path| Path::parse(path.name()).unwrap() == *path && allows(*path)));
        assert!(Path::parse("mmx").unwrap_err().to_string().contains("portable"));
    }

    #[test]
    fn every_path_gives_the_same() {
        let values: Vec<u32> = (0..1000).map(|value: u32| value.wrapping_mul(0x0101_0101)).collect();
        let expected: u64 = values.iter().map(|value| u64::from(*value)).sum();
        assert_eq!(Path::available().last(), Some(&Path::Portable));
        for path in Path::available() {
            assert_eq!(run_on(path, Sum(&values)), expected, "{path:?}");
        }
        assert_eq!(run(Sum(&values)), expected);
    }
}
