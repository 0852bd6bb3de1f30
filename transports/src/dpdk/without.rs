//! In place of `device`, in a build without DPDK.

use std::io;

use super::config::Config;
use crate::{
    api::{Link, OpenError, Role, RxMeta, TxError, TxToken, Unmet},
    raw::port::{FramePort, FrameRx, FrameTx},
};

/// The need that this build can't meet.
///
/// # Errors
/// Always.
pub(super) fn preflight() -> Result<(), Unmet> {
    Err(Unmet {
        needs: "a build with the feature `dpdk`".to_owned(),
        how: "apt-get install libdpdk-dev pkg-config && cargo build --release --package tickcert --features dpdk"
            .to_owned(),
    })
}

/// No device at all.
pub enum DpdkPort {}

/// There is none.
pub enum Never {}

impl FramePort for DpdkPort {
    type Config = Config;
    type Rx = Never;
    type Tx = Never;

    fn open(_: &Config, _: &Link, _: Role) -> Result<(Never, Never), OpenError> {
        preflight()?;
        Err(io::Error::from(io::ErrorKind::Unsupported).into())
    }
}

impl FrameRx for Never {
    fn receive(&mut self, _: u32, _: impl FnMut(&[u8], RxMeta)) -> io::Result<u32> {
        match *self {}
    }
}

impl FrameTx for Never {
    fn transmit(&mut self, _: usize, _: impl FnOnce(&mut [u8])) -> Result<TxToken, TxError> {
        match *self {}
    }

    fn kick(&mut self) -> Result<(), TxError> {
        match *self {}
    }
}
