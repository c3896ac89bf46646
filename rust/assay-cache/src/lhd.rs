//! LHD, least hit density: the object goes whose room is expected to give the fewest hits.
//!
//! Idea: objects are put into classes by how long it was between their last uses, and of each class is counted at which
//! ages objects are asked for again and at which they go. From both follows, for each age, the expected number of hits
//! per byte and request of an object of that age: its hit density. The least of `samples` drawn objects goes; of those
//! that came in last the unpromising ones are looked at too, and one in 32 stays as an explorer whatever its density,
//! within 1 % of the capacity, in the first 50 rounds. Every `interval` requests the counts fade by a tenth and the
//! densities are made anew. Until the first time they are (class + 1) / (age + 1), so that a short trace sees no more
//! of LHD than that. Cost: O(1) a hit, O(samples) a miss; 4 bytes a key, 24 an object in the cache and 3.8 MB of
//! densities. Choose it where the ages at which objects are asked for again tell them apart.
//!
//! Imitated: the simulator of its authors as it is in libCacheSim (`LHD`), in its constants, its order of lots (the
//! linear congruence of Knuth's MMIX, begun at the seed) and its single precision. Ages are counted in requests that
//! hit or put in. Other than there, an object keeps its size until it leaves.
//! Source: Beckmann, Chen, Cidon 2018, "LHD: Improving cache hit rate by maximizing hit density".

use crate::next_uses::check_length;
use crate::sizes::{Bytes, Sizes, Units};
use crate::{Cache, Gone, Measure, Policy, Request, Settings, Trace};
use assay_core::catalogue::{Contender, Domain, Parameter};
use assay_core::error::Result;

const SAMPLES: Parameter = Parameter {
    name: "samples",
    default: "32",
    domain: Domain::Integer { low: 1, high: 65_536 },
    meaning: "objects of which the one with the least density goes; 8, or fewer, in the first 50 rounds",
};

const INTERVAL: Parameter = Parameter {
    name: "interval",
    default: "1048576",
    domain: Domain::Integer { low: 1, high: 1 << 40 },
    meaning: "requests after which densities are made anew",
};

/// The catalogue's entry.
pub const CONTENDER: Contender = Contender {
    room: "cache",
    name: "lhd",
    version: 2,
    idea: "Of some objects drawn by lot the one goes whose room is expected to give the fewest hits, by its age.",
    cost: "O(1) a hit, O(samples) a miss; 4 bytes a key, 24 per object in the cache and 3.8 MB",
    choose_when: "traces are long, and the ages at which objects are asked for again tell them apart",
    source: "Beckmann, Chen, Cidon 2018, LHD: Improving cache hit rate by maximizing hit density; as libCacheSim's LHD",
    parameters: &[SAMPLES, INTERVAL],
    abilities: &["seed", "weighs_sizes"],
};

/// Ages that are told apart.
const AGES: usize = 20_000;
/// Classes by the time between the last uses.
const CLASSES: usize = 16;
/// The number of the first class, as densities begin with it: there are 16 of another application below it.
const FIRST_CLASS: usize = 16;
/// Objects that came in last and are looked at.
const RECENT: usize = 8;
/// Rounds after which there are no new explorers, and all samples are drawn.
const YOUNG_ROUNDS: u32 = 50;
/// Samples in those.
const YOUNG_SAMPLES: usize = 8;
/// One object in so many explores.
const EXPLORERS: u64 = 32;
const EXPLORER_SHARE: f32 = 0.01;
const FADING: f32 = 0.9;
const ABSENT: u32 = u32::MAX;

/// Objects in no order, and what is known of their classes.
#[derive(Debug)]
pub struct Lhd<S> {
    objects: Vec<Object>,
    /// The place of each object there, or [`ABSENT`].
    places: Vec<u32>,
    classes: Vec<Class>,
    recent: [u32; RECENT],
    recent_next: usize,
    samples: usize,
    interval: u64,
    /// Requests until densities are made anew.
    left: u64,
    rounds: u32,
    /// Requests that hit or put in.
    time: u64,
    /// How many bits of an age are not told apart.
    coarsening: u32,
    objects_mean: Faded,
    victim_density: f32,
    explorer_budget: i64,
    lots: u64,
    sizes: S,
    used: u64,
    capacity: u64,
}

#[derive(Debug, Clone, Copy)]
struct Object {
    id: u32,
    /// The age at its last hit, and at the one before.
    last_age: u16,
    previous_age: u16,
    time: u64,
    explores: bool,
}

#[derive(Debug)]
struct Class {
    hits: Vec<f32>,
    evictions: Vec<f32>,
    densities: Vec<f32>,
}

/// A mean in which what is long ago counts less.
#[derive(Debug, Default)]
struct Faded {
    sum: f32,
    mass: f32,
}

/// LHD of this capacity.
///
/// # Errors
/// If the trace is too long.
pub fn build(settings: &Settings, trace: &Trace) -> Result<Box<dyn Cache>> {
    check_length(CONTENDER.name, trace)?;
    Ok(match settings.measure {
        Measure::Objects => Box::new(Lhd::<Units>::new(settings, trace)),
        Measure::Bytes => Box::new(Lhd::<Bytes>::new(settings, trace)),
    })
}

/// The class of an object whose last ages add up to this: the shorter, the higher.
#[inline]
fn class_of(ages: u32) -> usize {
    let mut shifts = 0;
    let mut age = u64::from(ages);
    if age == 0 {
        return CLASSES - 1;
    }
    while age < AGES as u64 && shifts < CLASSES - 1 {
        age <<= 1;
        shifts += 1;
    }
    shifts
}

impl Class {
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)]
    fn new(number: usize) -> Self {
        let begin = (FIRST_CLASS + number + 1) as f64;
        let densities = (0..AGES).map(|age| (begin / (age + 1) as f64) as f32).collect();
        Self { hits: vec![0.0; AGES], evictions: vec![0.0; AGES], densities }
    }

    fn fade(&mut self) {
        self.hits.iter_mut().chain(&mut self.evictions).for_each(|count| *count *= FADING);
    }

    /// Hits to come over the time that they take, from each age on: both are sums over all later ages.
    fn model(&mut self) {
        let mut hits = self.hits[AGES - 1];
        let mut events = self.hits[AGES - 1] + self.evictions[AGES - 1];
        let mut lifetime = events;
        for age in (0..AGES - 1).rev() {
            hits += self.hits[age];
            events += self.hits[age] + self.evictions[age];
            lifetime += events;
            self.densities[age] = if f64::from(events) > 1e-5 { hits / lifetime } else { 0.0 };
        }
    }

    /// Makes ages coarser by so many bits, or finer if they are negative.
    #[allow(clippy::cast_precision_loss)]
    fn rescale(&mut self, bits: i32) {
        for counts in [&mut self.hits, &mut self.evictions] {
            if bits < 0 {
                let bits = bits.unsigned_abs();
                for age in AGES >> bits..AGES - 1 {
                    counts[AGES - 1] += counts[age];
                }
                for age in (0..AGES - 1).rev() {
                    counts[age] = counts[age >> bits] / (1_u64 << bits) as f32;
                }
            } else if bits > 0 {
                for age in 0..AGES >> bits {
                    let first = age << bits;
                    let mut sum = counts[first];
                    for more in 1..1 << bits {
                        sum += counts[first + more];
                    }
                    counts[age] = sum;
                }
                counts[AGES >> bits..AGES - 1].fill(0.0);
            }
        }
    }
}

impl<S: Sizes> Lhd<S> {
    #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
    fn new(settings: &Settings, trace: &Trace) -> Self {
        let interval = settings.integer(&INTERVAL);
        Self {
            objects: Vec::new(),
            places: vec![ABSENT; trace.distinct()],
            classes: (0..CLASSES).map(Class::new).collect(),
            recent: [ABSENT; RECENT],
            recent_next: 0,
            samples: settings.integer(&SAMPLES) as usize,
            interval,
            left: interval,
            rounds: 0,
            time: 0,
            coarsening: 10,
            objects_mean: Faded::default(),
            victim_density: 0.0,
            explorer_budget: (settings.capacity as f32 * EXPLORER_SHARE) as i64,
            lots: settings.seed,
            sizes: S::of_keys(trace.distinct()),
            used: 0,
            capacity: settings.capacity,
        }
    }

    #[inline]
    fn lot(&mut self) -> u64 {
        self.lots = self.lots.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.lots
    }

    #[inline]
    #[allow(clippy::cast_possible_truncation)]
    fn age(&self, object: &Object) -> usize {
        (((self.time - object.time) >> self.coarsening) as usize).min(AGES - 1)
    }

    #[inline]
    fn class(object: &Object) -> usize {
        class_of(u32::from(object.last_age) + u32::from(object.previous_age))
    }

    /// The hits that a byte of this object is expected to give in a request.
    #[inline]
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)]
    fn density(&self, object: &Object) -> f32 {
        let age = self.age(object);
        if age == AGES - 1 {
            return f32::MIN;
        }
        let density = self.classes[Self::class(object)].densities[age] / self.sizes.of(object.id) as f32;
        if object.explores { (f64::from(density) + 1.0) as f32 } else { density }
    }

    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)]
    fn pay(&mut self, id: u32, sign: f32) {
        self.explorer_budget = (self.explorer_budget as f32 + sign * self.sizes.of(id) as f32) as i64;
    }

    /// The place of the object that goes.
    #[allow(clippy::cast_possible_truncation)]
    fn choose(&mut self) -> Option<usize> {
        if self.objects.is_empty() {
            return None;
        }
        let mut victim = None;
        let mut least = f32::MAX;
        let samples = if self.rounds > YOUNG_ROUNDS { self.samples } else { YOUNG_SAMPLES.min(self.samples) };
        for _ in 0..samples {
            let place = (self.lot() % self.objects.len() as u64) as usize;
            let density = self.density(&self.objects[place]);
            if density < least {
                (victim, least) = (Some(place), density);
            }
        }
        for id in self.recent {
            let place = if id == ABSENT { ABSENT } else { self.places[id as usize] };
            if place != ABSENT {
                let density = self.density(&self.objects[place as usize]);
                if density < least {
                    (victim, least) = (Some(place as usize), density);
                }
            }
        }
        if victim.is_some() {
            self.victim_density = FADING * self.victim_density + (1.0 - FADING) * least;
        }
        // Objects of no size are infinitely dense: where no others were drawn the first of all goes, and tells nothing.
        victim.or(Some(0))
    }

    /// What every request that hits or puts in does at last: the object begins its time anew.
    #[inline]
    fn renew(&mut self, place: usize, is_new: bool) {
        let id = self.objects[place].id;
        self.objects[place].time = self.time;
        let explores = self.lot().is_multiple_of(EXPLORERS);
        let is_explorer = explores && self.explorer_budget > 0 && self.rounds < YOUNG_ROUNDS;
        self.objects[place].explores = is_explorer;
        if is_explorer {
            self.pay(id, -1.0);
        }
        if is_new && !explores && self.density(&self.objects[place]) < self.victim_density {
            self.recent[self.recent_next % RECENT] = id;
            self.recent_next += 1;
        }
        self.time += 1;
        self.left -= 1;
        if self.left == 0 {
            self.reconfigure();
            self.left = self.interval;
            self.rounds += 1;
        }
    }

    #[cold]
    #[allow(clippy::cast_precision_loss)]
    fn reconfigure(&mut self) {
        self.classes.iter_mut().for_each(Class::fade);
        let mean = &mut self.objects_mean;
        mean.sum = mean.sum * FADING + self.objects.len() as f32;
        mean.mass = mean.mass * FADING + 1.0;
        if self.rounds == 5 || self.rounds == 25 {
            self.adapt_coarsening();
        }
        self.classes.iter_mut().for_each(Class::model);
    }

    /// Ages reach a hundred times as far as there are objects.
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)]
    fn adapt_coarsening(&mut self) {
        let objects = self.objects_mean.sum / self.objects_mean.mass;
        let best = (f64::from(objects) / f64::from(0.01_f32 * AGES as f32)) as f32;
        let mut bits: u32 = 1;
        while ((1_u64 << bits) as f32) < best {
            bits += 1;
        }
        let change = bits.cast_signed() - self.coarsening.cast_signed();
        self.coarsening = bits;
        self.objects_mean.sum *= 8.0;
        self.objects_mean.mass *= 8.0;
        self.classes.iter_mut().for_each(|class| class.rescale(change));
    }

    /// Takes the object of this place out; the last one takes its place.
    #[inline]
    #[allow(clippy::cast_possible_truncation)]
    fn take_out(&mut self, place: usize) -> u32 {
        let Object { id, .. } = self.objects.swap_remove(place);
        if let Some(moved) = self.objects.get(place) {
            self.places[moved.id as usize] = place as u32;
        }
        self.places[id as usize] = ABSENT;
        self.used -= self.sizes.of(id);
        id
    }
}

impl<S: Sizes> Policy for Lhd<S> {
    const WEIGHS: bool = S::WEIGHS;

    #[inline]
    #[allow(clippy::cast_possible_truncation)]
    fn hit(&mut self, request: Request, _gone: &mut impl Gone) -> bool {
        let place = self.places[request.id as usize];
        if place == ABSENT {
            return false;
        }
        let object = self.objects[place as usize];
        let age = self.age(&object);
        self.classes[Self::class(&object)].hits[age] += 1.0;
        if object.explores {
            self.pay(object.id, 1.0);
        }
        self.objects[place as usize].previous_age = object.last_age;
        self.objects[place as usize].last_age = age as u16;
        self.renew(place as usize, false);
        true
    }

    #[allow(clippy::cast_possible_truncation)]
    fn insert(&mut self, request: Request, gone: &mut impl Gone) -> bool {
        let weight = S::weight(request.size);
        if weight > self.capacity {
            return false;
        }
        while self.used + weight > self.capacity {
            let Some(place) = self.choose() else { break };
            let object = self.objects[place];
            let age = self.age(&object);
            self.classes[Self::class(&object)].evictions[age] += 1.0;
            if object.explores {
                self.pay(object.id, 1.0);
            }
            gone.evicted(self.take_out(place));
        }
        self.sizes.keep(request.id, weight);
        self.used += weight;
        let place = self.objects.len();
        self.places[request.id as usize] = place as u32;
        let made = Object { id: request.id, last_age: 0, previous_age: AGES as u16, time: self.time, explores: false };
        self.objects.push(made);
        self.renew(place, true);
        true
    }

    fn remove(&mut self, id: u32) -> bool {
        let place = self.places[id as usize];
        if place != ABSENT {
            if self.objects[place as usize].explores {
                self.pay(id, 1.0);
            }
            self.take_out(place as usize);
        }
        place != ABSENT
    }

    #[inline]
    fn contains(&self, id: u32) -> bool {
        self.places[id as usize] != ABSENT
    }

    fn used(&self) -> u64 {
        self.used
    }

    #[inline]
    fn prefetch(&self, id: u32) {
        assay_core::memory::prefetch(&self.places[id as usize]);
    }
}
