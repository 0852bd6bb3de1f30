//! In place of [`super::program`] in a build without the feature `bpf`.

use super::{refusal::Place, steer::Steer, syscalls_ffi::XdpSocket};
use crate::api::{OpenError, Unmet};

/// Nothing, ever.
#[derive(Debug)]
pub(super) enum Attached {}

/// Says how to get it.
pub(super) fn preflight() -> Result<(), Unmet> {
    Err(Unmet {
        needs: "a build with the feature `bpf`: this one has no XDP program in it".to_owned(),
        how: "build with --features bpf; ci/setup installs what that needs".to_owned(),
    })
}

/// As [`Attached`].
pub(super) enum Loaded {}

/// As [`preflight`].
pub(super) fn load(_place: &Place<'_>, _index: u32, _steer: Steer) -> Result<Loaded, OpenError> {
    preflight()?;
    Err(OpenError::Io(std::io::Error::from(std::io::ErrorKind::Unsupported)))
}

impl Loaded {
    /// Never called.
    pub(super) fn attach(&self, _: &Place<'_>, _: u32, _: &XdpSocket) -> Result<Attached, OpenError> {
        match *self {}
    }
}
