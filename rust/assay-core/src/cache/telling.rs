//! Policies whose hits, too, can drive objects out.
//!
//! Segmented LRU does where its segments are rounded down, LIRS and W-TinyLFU do by bytes. [`Policy::hit`] has nobody to
//! tell; so these objects wait until the next insert tells of them. The loop of a run tells at once.

use crate::cache::{Counted, Gone, Policy, Request, Requests, Tally, run_with};

/// A policy whose hits can drive objects out.
pub trait Telling: Policy {
    /// As [`Policy::hit`]; `gone` is told of each object that goes.
    fn hit_telling(&mut self, request: Request, gone: &mut impl Gone) -> bool;

    /// Objects that went and of which nobody was told yet.
    fn left(&mut self) -> &mut Vec<u32>;
}

/// [`Policy::hit`] of such a policy.
#[inline]
pub fn hit<P: Telling>(policy: &mut P, request: Request) -> bool {
    let mut left = std::mem::take(policy.left());
    let there = policy.hit_telling(request, &mut left);
    *policy.left() = left;
    there
}

/// What its [`Policy::insert`] begins with.
#[inline]
pub fn tell<P: Telling>(policy: &mut P, gone: &mut impl Gone) {
    for id in policy.left().drain(..) {
        gone.evicted(id);
    }
}

/// Its [`Policy::run`].
pub fn run<P: Telling>(policy: &mut P, requests: Requests<'_>) -> Tally {
    run_with(policy, requests, |policy: &mut P, request, gone: &mut Counted| policy.hit_telling(request, gone))
}
