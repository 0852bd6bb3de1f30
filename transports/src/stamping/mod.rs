//! What stamps frames at an interface: what its driver claims, how it is set, and what comes of it when real frames cross.

pub mod claims;
pub mod configuration;
mod device_ffi;
mod ethtool;
pub mod trial;
mod tsinfo;
mod words;

use std::io;

pub use claims::Claims;
pub use configuration::{Configuration, Driver, Kernel};
pub use trial::{Crossing, TrialSocket};

/// The name of an interface's driver, in the calling thread's network namespace; `unknown` where it doesn't say.
///
/// # Errors
/// For what is no name of an interface.
pub fn driver(interface: &str) -> io::Result<String> {
    Ok(crate::afxdp::device_ffi::Device::open(interface)?.driver())
}

/// The speed of an interface's link in Mbit/s, in the calling thread's network namespace; -1 where its driver doesn't know it,
/// as while the link is down.
///
/// # Errors
/// Where there is no such interface, or its driver has no answer.
pub fn speed(interface: &str) -> io::Result<i64> {
    ethtool::speed(interface)
}
