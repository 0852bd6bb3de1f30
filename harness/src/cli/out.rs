//! Standard output, where results go. A reader that has seen enough (`| head`) is no trouble; a disk that is full is.

use std::{
    fmt::Display,
    io::{self, Write},
};

use anyhow::Context;
use serde::Serialize;

use super::Failure;

/// Prints `text` as it is.
pub(crate) fn print(text: impl Display) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match write!(out, "{text}").and_then(|()| out.flush()) {
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other.context("can't write the result to standard output").map_err(Failure::cannot_run),
    }
}

/// Prints `text` and ends the line.
pub(crate) fn line(text: impl Display) -> Result<(), Failure> {
    print(format_args!("{text}\n"))
}

/// Prints `value` for other programs.
pub(crate) fn json(value: &impl Serialize) -> Result<(), Failure> {
    line(serde_json::to_string_pretty(value).context("can't write JSON").map_err(Failure::cannot_run)?)
}
