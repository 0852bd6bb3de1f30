//! Network interfaces that are backed by a device; bridges, tunnels, veths and the loopback are not.

use std::path::Path;

use tickcert_results::certificate::NicInfo;

use super::{ethtool_ffi, is_live};
use crate::sysfs;

const NET: &str = "sys/class/net";

pub(super) fn read(root: &Path) -> Vec<NicInfo> {
    sysfs::names(root, NET)
        .into_iter()
        .filter(|name| root.join(NET).join(name).join("device").exists())
        .map(|name| nic(root, name))
        .collect()
}

fn nic(root: &Path, name: String) -> NicInfo {
    let dir = format!("{NET}/{name}");
    let live = if is_live(root) { ethtool_ffi::driver_info(&name) } else { None };
    let driver = sysfs::link_name(root, &format!("{dir}/device/driver"));
    NicInfo {
        driver: driver.or_else(|| live.as_ref().map(|i| i.driver.clone())).unwrap_or_default(),
        firmware: live.map(|i| i.firmware).unwrap_or_default(),
        pci: sysfs::link_name(root, &format!("{dir}/device")).filter(|a| a.contains(':')).unwrap_or_default(),
        numa_node: sysfs::read_number(root, &format!("{dir}/device/numa_node")).unwrap_or(-1),
        // The file is there but unreadable while the link is down.
        speed_mbps: sysfs::read_number(root, &format!("{dir}/speed")).unwrap_or(-1),
        name,
    }
}
