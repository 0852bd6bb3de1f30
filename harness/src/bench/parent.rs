//! Endpoints die with the process that started them, `kill -9` included.

use std::os::unix::process::parent_id;

use nix::{
    errno::Errno,
    sys::{prctl::set_pdeathsig, signal::Signal},
};

/// Why an endpoint must not start.
#[derive(Debug, thiserror::Error)]
pub enum ParentError {
    /// It died before the kernel was told to tell.
    #[error("the process {expected} that started this endpoint is gone; the parent is {found} now")]
    Gone {
        /// The process that started it.
        expected: u32,
        /// Its parent now.
        found: u32,
    },
    /// The kernel refused.
    #[error("the kernel can't be told to end this process with its parent")]
    Refused(#[source] Errno),
}

/// From now on the kernel kills this process when the *thread* that started it ends, so endpoints are started from a
/// thread that lives as long as the run. To be called at the very start of an endpoint. `parent` is the process that
/// started it, as told by itself; none where it can't know (over ssh).
///
/// # Errors
/// [`ParentError`]; the endpoint then ends by itself.
pub fn die_with_parent(parent: Option<u32>) -> Result<(), ParentError> {
    set_pdeathsig(Signal::SIGKILL).map_err(ParentError::Refused)?;
    // A parent that died before the call above is told of by nobody; its children have another parent by now.
    let found = parent_id();
    match parent {
        Some(expected) if expected != found => Err(ParentError::Gone { expected, found }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parent_that_is_gone_already_is_an_error() {
        let e = die_with_parent(Some(u32::MAX)).unwrap_err();
        assert!(matches!(e, ParentError::Gone { expected: u32::MAX, .. }));
        set_pdeathsig(None).unwrap();
    }
}
