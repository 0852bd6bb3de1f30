//! Network interfaces that are backed by a device; bridges, tunnels, veths and the loopback are not.

use std::path::Path;

use tickcert_results::certificate::NicInfo;

use crate::{ethtool, sysfs};

const NET: &str = "sys/class/net";

pub(super) fn read(root: &Path) -> Vec<NicInfo> {
    with_device(root).into_iter().map(|name| nic(root, name)).collect()
}

/// Their names.
#[must_use]
pub fn with_device(root: &Path) -> Vec<String> {
    let mut names = sysfs::names(root, NET);
    names.retain(|name| root.join(NET).join(name).join("device").exists());
    names
}

fn nic(root: &Path, name: String) -> NicInfo {
    let dir = format!("{NET}/{name}");
    let asked = ethtool::driver(root, &name);
    let driver = sysfs::link_name(root, &format!("{dir}/device/driver"));
    NicInfo {
        driver: driver.or_else(|| asked.as_ref().map(|i| i.driver.clone())).unwrap_or_default(),
        firmware: asked.map(|i| i.firmware).unwrap_or_default(),
        pci: sysfs::link_name(root, &format!("{dir}/device")).filter(|a| a.contains(':')).unwrap_or_default(),
        numa_node: sysfs::read_number(root, &format!("{dir}/device/numa_node")).unwrap_or(-1),
        // The file is there but unreadable while the link is down.
        speed_mbps: sysfs::read_number(root, &format!("{dir}/speed")).unwrap_or(-1),
        name,
    }
}
