//! PTP hardware clocks: read beside the system's clock, as tightly as the driver can.

mod ioctl_ffi;
mod sample;
pub mod timescale;
mod track;

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
};

use tickcert_results::certificate::ReadMethod;

pub use sample::Reading;
pub use track::{Kept, Track};

use crate::sysfs;

/// Samples of which the tightest is taken; at some microseconds for each this is over within a millisecond.
const SAMPLES: usize = ioctl_ffi::MOST_SAMPLES;

/// Why a clock can't be read.
#[derive(Debug, thiserror::Error)]
pub enum PhcError {
    /// There is no such device.
    #[error(
        "there is no {}; the driver has registered no PTP clock, or the file is missing (`ls /dev/ptp*`, `ethtool -T NAME`)",
        path.display()
    )]
    Missing {
        /// Its file.
        path: PathBuf,
    },
    /// It may not be opened.
    #[error("{} can't be opened: {source}; run as root, or let this user's group read it (a udev rule for SUBSYSTEM==\"ptp\")", path.display())]
    Open {
        /// Its file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The driver doesn't answer.
    #[error("{} can't be read: {source}; the device may be down or be reset, see dmesg", path.display())]
    Read {
        /// Its file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What it answers is no time.
    #[error("{} shows no time that makes sense; it was never set: start ptp4l or phc2sys, or `phc_ctl NAME set`", path.display())]
    NoTime {
        /// Its file.
        path: PathBuf,
    },
}

/// An open clock.
#[derive(Debug)]
pub struct Phc {
    number: u32,
    file: File,
    path: PathBuf,
    method: ReadMethod,
}

impl Phc {
    /// Opens `/dev/ptpN`, for reading only, and finds out how it is read best.
    ///
    /// # Errors
    /// [`PhcError`].
    pub fn open(number: u32) -> Result<Self, PhcError> {
        let path = PathBuf::from(format!("/dev/ptp{number}"));
        let file = File::open(&path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => PhcError::Missing { path: path.clone() },
            _ => PhcError::Open { path: path.clone(), source },
        })?;
        let method = if ioctl_ffi::precise(&file).is_ok() {
            ReadMethod::Precise
        } else if ioctl_ffi::extended(&file, 1).is_ok() {
            ReadMethod::Extended
        } else {
            ReadMethod::Basic
        };
        Ok(Self { number, file, path, method })
    }

    /// Its number.
    #[must_use]
    pub const fn number(&self) -> u32 {
        self.number
    }

    /// Reads it beside `CLOCK_REALTIME`: the tightest of many samples.
    ///
    /// # Errors
    /// [`PhcError::Read`], [`PhcError::NoTime`].
    pub fn read(&self) -> Result<Reading, PhcError> {
        let samples = match self.method {
            ReadMethod::Precise => ioctl_ffi::precise(&self.file).map(|one| vec![one]),
            ReadMethod::Extended => ioctl_ffi::extended(&self.file, SAMPLES),
            ReadMethod::Basic => ioctl_ffi::basic(&self.file, SAMPLES),
        };
        let samples = samples.map_err(|source| PhcError::Read { path: self.path.clone(), source })?;
        sample::tightest(&samples, self.method).ok_or_else(|| PhcError::NoTime { path: self.path.clone() })
    }
}

/// What its driver calls a clock, below `root`; empty where nothing is said.
#[must_use]
pub fn name(root: &Path, number: u32) -> String {
    sysfs::read(root, &format!("sys/class/ptp/ptp{number}/clock_name")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sysfs::fixture::Tree;

    #[test]
    fn a_clock_that_is_not_there_is_missed_with_what_to_look_at() {
        let e = Phc::open(u32::MAX).unwrap_err();
        assert!(matches!(&e, PhcError::Missing { .. }) && e.to_string().contains("ethtool -T"), "{e}");
    }

    #[test]
    fn a_clock_is_called_as_its_driver_does() {
        let tree = Tree::new().file("sys/class/ptp/ptp3/clock_name", "ice-0000:3b:00.0-clk\n");
        assert_eq!((name(tree.root(), 3).as_str(), name(tree.root(), 4).as_str()), ("ice-0000:3b:00.0-clk", ""));
    }

    #[test]
    fn each_clock_of_this_host_is_read_within_its_own_width() {
        let clocks = sysfs::names(Path::new("/"), "sys/class/ptp");
        if clocks.is_empty() {
            println!("SKIPPED: reading a PTP hardware clock: needs one (the lab has them)");
        }
        for clock in clocks.iter().filter_map(|name| name.strip_prefix("ptp")?.parse().ok()) {
            let (first, second) = match Phc::open(clock).and_then(|phc| Ok((phc.read()?, phc.read()?))) {
                Ok(both) => both,
                Err(e) => {
                    println!("SKIPPED: reading /dev/ptp{clock}: {e}");
                    continue;
                }
            };
            assert!(second.system >= first.system && second.method == first.method, "{first:?} {second:?}");
        }
    }
}
