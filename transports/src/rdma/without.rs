//! In place of `opened`, in a build without RDMA.

use std::io;

use super::config::Config;
use crate::api::{Flow, Frame, Interest, Link, OpenError, Role, Rx, Tx, TxError, TxToken, Unmet};

/// The need that this build can't meet.
///
/// # Errors
/// Always.
pub(super) fn preflight() -> Result<(), Unmet> {
    Err(Unmet {
        needs: "a build with the feature `rdma`".to_owned(),
        how:
            "apt-get install cmake make clang libclang-dev && cargo build --release --package tickcert --features rdma"
                .to_owned(),
    })
}

/// None.
///
/// # Errors
/// Always.
pub(super) fn open(_: &Config, _: &Link, _: Role) -> Result<(Never, Never), OpenError> {
    preflight()?;
    Err(io::Error::from(io::ErrorKind::Unsupported).into())
}

/// There is none.
pub enum Never {}

impl Rx for Never {
    fn poll(&mut self, _: Interest, _: u32, _: impl FnMut(Frame<'_>)) -> io::Result<u32> {
        match *self {}
    }
}

impl Tx for Never {
    fn send(&mut self, _: Flow, _: usize, _: impl FnOnce(&mut [u8])) -> Result<TxToken, TxError> {
        match *self {}
    }
}
