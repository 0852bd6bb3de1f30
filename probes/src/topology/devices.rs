//! Network devices on PCI, with their node and link.

use std::{collections::BTreeSet, path::Path};

use serde::Serialize;

use super::devices_text::{gigatransfers, lanes};
use crate::sysfs;

const DEVICES: &str = "sys/bus/pci/devices";
/// Upper byte of the class of every network controller (PCI Code and ID Assignment, "Network controller").
const NETWORK: &str = "0x02";

/// A network controller.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NetworkDevice {
    /// Its address: `0000:3b:00.0`.
    pub address: String,
    /// Its interfaces in the calling process's network namespace; none while a driver of user space has it.
    pub interfaces: Vec<String>,
    /// Its driver; nothing where none has it.
    pub driver: Option<String>,
    /// Its memory node; nothing where it has none, as on hosts with one.
    pub node: Option<u32>,
    /// Cores near it, as the kernel says.
    pub local_cores: BTreeSet<u32>,
    /// Its link as it is…
    pub link: Option<Link>,
    /// …and as it could be at most, as the device says; its slot may be the narrower one.
    pub link_at_most: Option<Link>,
}

/// A link of PCI Express.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Link {
    /// Giga-transfers a second of a lane: 8 is PCIe 3.0, 16 is 4.0.
    pub gigatransfers: f64,
    /// Lanes.
    pub lanes: u32,
}

impl NetworkDevice {
    /// Whether its link is slower or narrower than the device could have it.
    #[must_use]
    pub fn is_held_back(&self) -> bool {
        match (self.link, self.link_at_most) {
            (Some(now), Some(most)) => now.gigatransfers < most.gigatransfers || now.lanes < most.lanes,
            _ => false,
        }
    }
}

pub(super) fn read(root: &Path) -> Vec<NetworkDevice> {
    sysfs::names(root, DEVICES)
        .into_iter()
        .filter(|address| {
            sysfs::read(root, &format!("{DEVICES}/{address}/class")).is_some_and(|class| class.starts_with(NETWORK))
        })
        .map(|address| device(root, address))
        .collect()
}

fn device(root: &Path, address: String) -> NetworkDevice {
    let file = |file: &str| format!("{DEVICES}/{address}/{file}");
    let link = |which: &str| {
        Some(Link {
            gigatransfers: gigatransfers(&sysfs::read(root, &file(&format!("{which}_link_speed")))?)?,
            lanes: lanes(&sysfs::read(root, &file(&format!("{which}_link_width")))?)?,
        })
    };
    NetworkDevice {
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
