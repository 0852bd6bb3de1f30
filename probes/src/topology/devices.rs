//! Devices on PCI that have a link, with their node.

use std::path::Path;

use super::{
    Link, PciDevice, PciKind,
    devices_text::{gigatransfers, lanes},
};
use crate::sysfs;

const DEVICES: &str = "sys/bus/pci/devices";
/// Upper byte of the class of every bridge, root ports and switches among them (PCI Code and ID Assignment Specification).
const BRIDGE: &str = "0x06";

/// By the upper byte of its class, as of that specification.
fn kind(class: &str) -> PciKind {
    match class.get(..4) {
        Some("0x01") => PciKind::Storage,
        Some("0x02") => PciKind::Network,
        Some("0x03") => PciKind::Display,
        Some("0x12") => PciKind::Accelerator,
        _ => PciKind::Other,
    }
}

/// Network controllers, linked or not, as a hypervisor's are; and all else that has a link and is no bridge.
pub(super) fn read(root: &Path) -> Vec<PciDevice> {
    sysfs::names(root, DEVICES)
        .into_iter()
        .filter_map(|address| {
            let class = sysfs::read(root, &format!("{DEVICES}/{address}/class"))?;
            let found = (!class.starts_with(BRIDGE)).then(|| device(root, address, kind(&class)))?;
            Some(found).filter(|device| device.kind == PciKind::Network || device.link_at_most.is_some())
        })
        .collect()
}

fn device(root: &Path, address: String, kind: PciKind) -> PciDevice {
    let file = |file: &str| format!("{DEVICES}/{address}/{file}");
    let link = |which: &str| {
        Some(Link {
            gigatransfers: gigatransfers(&sysfs::read(root, &file(&format!("{which}_link_speed")))?)?,
            lanes: lanes(&sysfs::read(root, &file(&format!("{which}_link_width")))?)?,
        })
    };
    PciDevice {
        kind,
        interfaces: interfaces(root, &address),
        driver: sysfs::link_name(root, &file("driver")),
        // The kernel writes -1 for none.
        node: sysfs::read_number(root, &file("numa_node")),
        local_cores: sysfs::read(root, &file("local_cpulist")).map(|t| sysfs::core_list(&t)).unwrap_or_default(),
        link: link("current"),
        link_at_most: link("max"),
        address,
    }
}

/// Those of the device itself, or of the virtio device that it carries.
fn interfaces(root: &Path, address: &str) -> Vec<String> {
    let dir = format!("{DEVICES}/{address}");
    let mut found = sysfs::names(root, &format!("{dir}/net"));
    for name in sysfs::names(root, &dir).iter().filter(|name| name.starts_with("virtio")) {
        found.extend(sysfs::names(root, &format!("{dir}/{name}/net")));
    }
    found
}
