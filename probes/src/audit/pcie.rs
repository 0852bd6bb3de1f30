//! Whether a NIC's PCIe link is as fast as the NIC can.

use std::path::Path;

use tickcert_results::certificate::Topic;

use super::{
    finding::{ABSENT, Ask, Finding},
    mounts,
    remedy::Remedy,
};
use crate::sysfs;

pub(super) fn read(root: &Path, interface: &str) -> Vec<Finding> {
    vec![width(root, interface), speed(root, interface)]
}

fn of_device(root: &Path, interface: &str, file: &str) -> Option<String> {
    sysfs::read(root, &format!("sys/class/net/{interface}/device/{file}"))
}

/// In lanes. 0 and 255 are how kernels say that they don't know.
fn lanes(root: &Path, interface: &str, file: &str) -> Option<u32> {
    of_device(root, interface, file)?.parse().ok().filter(|n| (1..=32).contains(n))
}

fn width(root: &Path, interface: &str) -> Finding {
    let now = lanes(root, interface, "current_link_width");
    let can = lanes(root, interface, "max_link_width");
    compared(
        root,
        interface,
        "pcie-width",
        now.map(|n| format!("x{n}")),
        can.map(|n| format!("x{n}")).as_deref(),
        now >= can,
    )
}

/// `16.0 GT/s PCIe`, without the last word; `Unknown` is none.
fn rate(root: &Path, interface: &str, file: &str) -> Option<(f64, String)> {
    let text = of_device(root, interface, file)?;
    let mut words = text.split_whitespace();
    let number = words.next()?;
    let rate: f64 = number.parse().ok().filter(|rate: &f64| rate.is_finite() && *rate > 0.0)?;
    Some((rate, format!("{number} {}", words.next()?)))
}

fn speed(root: &Path, interface: &str) -> Finding {
    let now = rate(root, interface, "current_link_speed");
    let can = rate(root, interface, "max_link_speed");
    let fast = match (&now, &can) {
        (Some((now, _)), Some((can, _))) => now >= can,
        _ => true,
    };
    compared(
        root,
        interface,
        "pcie-speed",
        now.map(|(_, text)| text),
        can.as_ref().map(|(_, text)| text.as_str()),
        fast,
    )
}

/// Where either isn't known there is nothing to say: not every NIC is a PCIe device.
fn compared(root: &Path, interface: &str, name: &str, now: Option<String>, can: Option<&str>, fast: bool) -> Finding {
    let both = now.is_some() && can.is_some();
    let ask = Ask {
        topic: Topic::Hardware,
        name: &format!("{interface}/{name}"),
        why: "each frame crosses the link: a narrow or slow one adds to every transfer, and bursts queue before it",
        remedy: Remedy::hand(&format!(
            "another slot, with the lanes and the generation that the NIC wants (`lspci -vv -s $(basename $(readlink /sys/class/net/{interface}/device))`, LnkCap and LnkSta); clean and reseat the card; no riser that narrows; bifurcation in the firmware's set-up"
        )),
    };
    let wanted = can.unwrap_or("that of the NIC");
    match mounts::hidden(root, "sys/class/net") {
        Some(mount) => ask.untold(mount, wanted),
        None => ask.judged(now.unwrap_or_else(|| ABSENT.to_owned()), wanted, !both || fast),
    }
}
