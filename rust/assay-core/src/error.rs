//! What can be wrong with the input of the core; a broken invariant of our own is an assertion.

/// An error that names the thing, the value met, the value wanted and the way out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A name that does not exist; the caller adds the nearest one.
    #[error("there is no {thing} \"{name}\"; known: {known}")]
    UnknownName {
        /// What kind of thing was looked for.
        thing: &'static str,
        /// The name met.
        name: String,
        /// All names of that kind, joined by commas.
        known: String,
    },
    /// A value outside its bounds, or of the wrong kind.
    #[error("{0}")]
    Parameter(String),
    /// A key or column that cannot be used so.
    #[error("{0}")]
    UnsupportedType(String),
    /// Bytes that are not what they claim to be.
    #[error("{0}")]
    Corrupt(String),
    /// Data that contradicts itself, such as a value that a list does not name.
    #[error("{0}")]
    Data(String),
    /// A promise that a run did not keep: what it measured counts for nothing.
    #[error("{0}")]
    Broken(String),
}

/// The result of everything in this crate that can fail.
pub type Result<T> = std::result::Result<T, Error>;
