//! In place of `program.rs` in a build without the feature `bpf`.

use std::{convert::Infallible, io};

use super::{History, Unmet, Watched};

/// Nothing, ever.
#[derive(Debug)]
pub struct Tracer(Infallible);

impl Tracer {
    /// Says how to get it.
    ///
    /// # Errors
    /// Always.
    pub fn attach(_: Watched) -> Result<Self, Unmet> {
        Err(Unmet::new(
            "a build with the feature `bpf`: this one has no BPF programs in it",
            "build with --features bpf; ci/setup installs what that needs",
        ))
    }

    /// Never called.
    #[must_use]
    pub fn absent(&self) -> &[String] {
        match self.0 {}
    }

    /// Never called.
    ///
    /// # Errors
    /// None.
    pub fn start(&mut self, _: [u32; 2], _: [u32; 2]) -> io::Result<()> {
        match self.0 {}
    }

    /// Never called.
    ///
    /// # Errors
    /// None.
    pub fn stop(&mut self) -> io::Result<History> {
        match self.0 {}
    }
}
