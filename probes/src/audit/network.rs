//! Settings of the network stack that hold for every socket.

use std::path::Path;

use tickcert_results::certificate::Setting;

use super::one_of;
use crate::sysfs;

pub(super) fn read(root: &Path, _cores: &[u32]) -> Vec<Setting> {
    ["busy_poll", "busy_read"].map(|name| busy(root, name)).into()
}

fn busy(root: &Path, name: &str) -> Setting {
    one_of(
        name,
        sysfs::read(root, &format!("proc/sys/net/core/{name}")),
        &["0"],
        true,
        "set for all sockets it changes what a lane measures that didn't ask for it; a lane that wants it sets SO_BUSY_POLL itself",
        &format!("sysctl -w net.core.{name}=0"),
    )
}
