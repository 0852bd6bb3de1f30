//! What can be wrong with a profile, said so that the reader can put it right.

use std::{io, path::PathBuf};

use super::{builtin::BUILTIN_NAMES, suggest};

/// Why there is no profile.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// Neither a built-in profile nor a file.
    #[error("no profile `{name}`{hint}; built-in ones: {known}. A path (./{name}.toml) loads a file")]
    UnknownName {
        /// As asked for.
        name: String,
        /// `; did you mean …?` or nothing.
        hint: String,
        /// The built-in ones.
        known: String,
    },
    /// The file could not be read.
    #[error("{path}: can't read the profile; check the path and its permissions, and that it is UTF-8 text", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file was read, and something in it is wrong.
    #[error("{file}:{line}:{column}: {what}\n  {line} | {excerpt}\n  {remedy}")]
    Invalid {
        /// The file, or `built-in profile …`.
        file: String,
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
        /// What is wrong.
        what: String,
        /// The line as it stands.
        excerpt: String,
        /// What to do about it.
        remedy: String,
    },
}

impl ProfileError {
    pub(super) fn unknown_name(name: &str) -> Self {
        Self::UnknownName {
            name: name.to_owned(),
            hint: suggest::did_you_mean(name, BUILTIN_NAMES),
            known: BUILTIN_NAMES.join(", "),
        }
    }
}
