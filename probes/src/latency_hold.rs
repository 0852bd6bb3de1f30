//! Keeps idle cores out of deep sleep for as long as it is held (`Documentation/power/pm_qos_interface.rst`): the kernel
//! honours the smallest value that any process keeps written into `/dev/cpu_dma_latency`, until its file is closed.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    path::Path,
};

/// The request, or why there is none. Dropping it takes the request back.
#[derive(Debug)]
pub enum LatencyHold {
    /// Held at 0 microseconds.
    Held(File),
    /// Not held; a measurement goes on without it and says so.
    NotHeld {
        /// Why.
        why: String,
        /// What to do about it.
        how: String,
    },
}

impl LatencyHold {
    /// Asks for a wake-up latency of 0 on this host.
    #[must_use]
    pub fn take() -> Self {
        Self::take_from(Path::new("/dev/cpu_dma_latency"))
    }

    /// As [`LatencyHold::take`], through a file of the caller's.
    #[must_use]
    pub fn take_from(file: &Path) -> Self {
        let opened = OpenOptions::new().write(true).open(file);
        match opened.and_then(|mut f| f.write_all(&0_i32.to_ne_bytes()).map(|()| f)) {
            Ok(f) => Self::Held(f),
            Err(e) => Self::NotHeld { why: format!("{}: {e}", file.display()), how: remedy(&e).into() },
        }
    }

    /// Whether it is held.
    #[must_use]
    pub const fn is_held(&self) -> bool {
        matches!(self, Self::Held(_))
    }

    /// A line for the record.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Held(_) => "/dev/cpu_dma_latency held at 0 us".into(),
            Self::NotHeld { why, how } => format!("/dev/cpu_dma_latency not held: {why} ({how})"),
        }
    }
}

fn remedy(e: &io::Error) -> &'static str {
    match e.kind() {
        io::ErrorKind::NotFound => {
            "this kernel has no cpuidle or the container hides it; in a virtual machine set idle=poll or halt_poll_ns on the host"
        }
        io::ErrorKind::PermissionDenied => {
            "run as root, or give the group of the user access: chgrp USERS /dev/cpu_dma_latency && chmod g+w /dev/cpu_dma_latency"
        }
        _ => "see the kernel's log",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holding_writes_four_bytes_of_zero_and_keeps_the_file_open() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let hold = LatencyHold::take_from(file.path());
        assert!(hold.is_held());
        assert_eq!(std::fs::read(file.path()).unwrap(), [0, 0, 0, 0]);
    }

    #[test]
    fn a_host_without_the_file_is_a_note_and_not_a_failure() {
        let hold = LatencyHold::take_from(Path::new("/nonexistent/cpu_dma_latency"));
        assert!(!hold.is_held());
        assert!(hold.describe().contains("/nonexistent/cpu_dma_latency"), "{}", hold.describe());
    }
}
