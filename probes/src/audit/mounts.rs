//! Whether the kernel's own file systems can be read at all: in a container they may be hidden.

use std::path::Path;

use tickcert_results::certificate::Topic;

use super::{
    finding::{ABSENT, Ask, Finding},
    remedy::Remedy,
};
use crate::sysfs;

/// One of the kernel's own file systems.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mount {
    Sys,
    Proc,
}

impl Mount {
    const fn name(self) -> &'static str {
        match self {
            Self::Sys => "sysfs",
            Self::Proc => "procfs",
        }
    }

    /// A folder that every kernel has there, and which is never empty.
    const fn folder(self) -> &'static str {
        match self {
            Self::Sys => "sys/devices/system/cpu",
            Self::Proc => "proc/sys/kernel",
        }
    }

    pub(super) fn is_shown(self, root: &Path) -> bool {
        !sysfs::names(root, self.folder()).is_empty()
    }

    /// What shows it.
    pub(super) fn remedy(self) -> Remedy {
        let (kind, at) = match self {
            Self::Sys => ("sysfs", "/sys"),
            Self::Proc => ("proc", "/proc"),
        };
        Remedy::start(&format!(
            "mount -t {kind} {} {at}; in a container, run with the host's {at} or outside",
            self.name()
        ))
    }
}

/// The file system of `file` (a path without its first `/`), where that is hidden: then nothing follows from a file that isn't
/// there.
pub(super) fn hidden(root: &Path, file: &str) -> Option<Mount> {
    let of = if file.starts_with("proc/") { Mount::Proc } else { Mount::Sys };
    (!of.is_shown(root)).then_some(of)
}

pub(super) fn read(root: &Path, _cores: &[u32]) -> Vec<Finding> {
    vec![finding(root, Mount::Sys), finding(root, Mount::Proc)]
}

fn finding(root: &Path, mount: Mount) -> Finding {
    let there = mount.is_shown(root);
    Ask {
        topic: Topic::OperatingSystem,
        name: mount.name(),
        why: "what isn't mounted can't be read: settings below it can't be told, and may be right or wrong",
        remedy: mount.remedy(),
    }
    .judged(if there { "mounted" } else { ABSENT }.to_owned(), "mounted", there)
}
