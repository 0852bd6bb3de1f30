//! Whether the kernel's own file systems can be read at all: in a container they may be hidden.

use std::path::Path;

use tickcert_results::certificate::Topic;

use super::{
    finding::{ABSENT, Ask, Finding},
    remedy::Remedy,
};
use crate::sysfs;

pub(super) fn read(root: &Path, _cores: &[u32]) -> Vec<Finding> {
    vec![mount(root, "sysfs", "sys/devices/system/cpu"), mount(root, "procfs", "proc/sys/kernel")]
}

fn mount(root: &Path, name: &str, a_folder_of_it: &str) -> Finding {
    let there = !sysfs::names(root, a_folder_of_it).is_empty();
    let at = format!("/{}", a_folder_of_it.split('/').next().unwrap_or_default());
    Ask {
        topic: Topic::OperatingSystem,
        name,
        why: "what isn't mounted can't be read: settings below it are shown as absent, whatever they are",
        remedy: Remedy::start(&format!(
            "mount -t {} {name} {at}; in a container, run with the host's {at} or outside",
            if name == "sysfs" { "sysfs" } else { "proc" }
        )),
    }
    .judged(if there { "mounted" } else { ABSENT }.to_owned(), "mounted", there)
}
