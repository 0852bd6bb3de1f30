//! Settings of the network stack that hold for every socket.

use std::path::Path;

use tickcert_results::certificate::Topic;

use super::{
    finding::{Absent, Ask, Finding},
    mounts,
    remedy::Remedy,
};
use crate::sysfs;

pub(super) fn read(root: &Path, _cores: &[u32]) -> Vec<Finding> {
    ["busy_poll", "busy_read"].map(|name| busy(root, name)).into()
}

fn busy(root: &Path, name: &str) -> Finding {
    let file = format!("proc/sys/net/core/{name}");
    Ask {
        topic: Topic::OperatingSystem,
        name,
        why: "set for all sockets it changes what a lane measures that didn't ask for it; a lane that wants it sets SO_BUSY_POLL itself",
        remedy: Remedy::write(&file, "0"),
    }
    .one_of(sysfs::read(root, &file), &["0"], Absent::Right, mounts::hidden(root, &file))
}
