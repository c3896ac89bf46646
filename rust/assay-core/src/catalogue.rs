//! What is known of every contender: one table per room, read by everything that lists, checks,
//! explains or documents them.

/// What kind of value a parameter takes, and its bounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Domain {
    /// An integer from `low` to `high`, both allowed.
    Integer {
        /// The least value allowed.
        low: u64,
        /// The greatest value allowed.
        high: u64,
    },
    /// A number from `low` to `high`, both allowed.
    Number {
        /// The least value allowed.
        low: f64,
        /// The greatest value allowed.
        high: f64,
    },
    /// One of these names.
    Choice(&'static [&'static str]),
    /// A list of values of the column's type.
    Values,
    /// A list of such lists, one per partition.
    Groups,
}

/// A parameter of a contender.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Parameter {
    /// Its name as keyword, in suites and in spellings.
    pub name: &'static str,
    /// Its value if none is given, as it would be spelled; empty means that it is learned.
    pub default: &'static str,
    /// The values allowed.
    pub domain: Domain,
    /// What it is, in one line.
    pub meaning: &'static str,
}

/// A contender: one possible answer to its room's question.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Contender {
    /// The room it lives in: hash, digest, filter, placement, checksum, cache, write_scheme, coherence, partition.
    pub room: &'static str,
    /// Its name, for ever.
    pub name: &'static str,
    /// A golden test holds it: change the numbers, change the version.
    pub version: u32,
    /// The idea in one line.
    pub idea: &'static str,
    /// Cost in time and space, in one line.
    pub cost: &'static str,
    /// When to choose it, in one line.
    pub choose_when: &'static str,
    /// The paper or specification it follows.
    pub source: &'static str,
    /// Its parameters.
    pub parameters: &'static [Parameter],
    /// What it can do, in the room's own words.
    pub abilities: &'static [&'static str],
}

impl Contender {
    /// Whether the contender can do this.
    #[must_use]
    pub fn can(&self, ability: &str) -> bool {
        self.abilities.contains(&ability)
    }
}
