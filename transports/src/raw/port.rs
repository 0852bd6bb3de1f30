//! What a device that moves whole Ethernet frames offers to the lanes above it.

use std::io;

use tickcert_results::stamp::Stamp;

use crate::api::{Link, OpenError, Role, RxMeta, TxError, TxToken};

/// Receiving half of a device.
pub trait FrameRx: Send {
    /// Hands over waiting frames, at most `budget`, in the device's own memory, and gives each back to the device
    /// afterwards; returns how many.
    ///
    /// # Errors
    /// When the device is gone. Nothing waiting is `Ok(0)`.
    fn receive(&mut self, budget: u32, on_frame: impl FnMut(&[u8], RxMeta)) -> io::Result<u32>;

    /// As [`crate::api::Rx::facts`].
    fn facts(&self, _note: &mut dyn FnMut(&'static str, String)) {}
}

/// Sending half of a device.
pub trait FrameTx: Send {
    /// Builds a frame of `len` bytes, Ethernet header included and checksum sequence not, in the device's memory, and
    /// queues it.
    ///
    /// # Errors
    /// [`TxError::Full`] when there is no room; [`TxError::Io`] when the device is gone or the frame too long.
    fn transmit(&mut self, len: usize, fill: impl FnOnce(&mut [u8])) -> Result<TxToken, TxError>;

    /// Makes the device send what is queued.
    ///
    /// # Errors
    /// As [`FrameTx::transmit`].
    fn kick(&mut self) -> Result<(), TxError>;

    /// As [`crate::api::Tx::stamps`].
    fn stamps(&mut self, _on_stamp: impl FnMut(TxToken, Stamp)) {}

    /// As [`crate::api::Rx::facts`].
    fn facts(&self, _note: &mut dyn FnMut(&'static str, String)) {}
}

/// A device.
pub trait FramePort {
    /// Its settings.
    type Config;
    /// Receiving half.
    type Rx: FrameRx;
    /// Sending half.
    type Tx: FrameTx;

    /// Opens this end's device. Each half may then be used from any thread, and both at the same time.
    ///
    /// # Errors
    /// As [`crate::api::Transport::open`].
    fn open(config: &Self::Config, link: &Link, role: Role) -> Result<(Self::Rx, Self::Tx), OpenError>;
}
