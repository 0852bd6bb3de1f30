//! Whether a NIC's link is put to sleep between frames.

use std::path::Path;

use tickcert_results::certificate::Topic;

use super::{
    finding::{ABSENT, Absent, Ask, Finding},
    mounts,
    remedy::Remedy,
};
use crate::sysfs;

pub(super) fn read(root: &Path, interface: &str) -> Vec<Finding> {
    vec![link_states(root, interface), runtime(root, interface)]
}

/// Active-state power management: a file of the link for each state (Linux 5.6), 1 where the kernel may use it.
fn link_states(root: &Path, interface: &str) -> Finding {
    let dir = format!("sys/class/net/{interface}/device/link");
    let states: Vec<String> = sysfs::names(root, &dir).into_iter().filter(|n| n.contains("aspm")).collect();
    let on: Vec<&String> =
        states.iter().filter(|s| sysfs::read(root, &format!("{dir}/{s}")).as_deref() == Some("1")).collect();
    let value = match (states.is_empty(), on.is_empty()) {
        (true, _) => ABSENT.to_owned(),
        (_, true) => "off".to_owned(),
        _ => on.iter().map(|s| s.as_str()).collect::<Vec<_>>().join(", "),
    };
    let ask = Ask {
        topic: Topic::Hardware,
        name: &format!("{interface}/pcie-link-states"),
        why: "a link that has gone to sleep between frames takes microseconds to wake up",
        remedy: if on.is_empty() {
            Remedy::none()
        } else {
            Remedy::writes(on.iter().map(|s| (format!("{dir}/{s}"), "0".to_owned())).collect()).lasts_by(
                "pcie_aspm.policy=performance on the kernel's command line, or ASPM off in the firmware's set-up",
            )
        },
    };
    match mounts::hidden(root, &dir) {
        Some(mount) => ask.untold(mount, "off"),
        None => ask.judged(value, "off", on.is_empty()),
    }
}

/// `auto` is of no matter where the driver knows nothing of it.
fn runtime(root: &Path, interface: &str) -> Finding {
    let dir = format!("sys/class/net/{interface}/device/power");
    let file = format!("{dir}/control");
    let supported = sysfs::read(root, &format!("{dir}/runtime_status")).is_none_or(|status| status != "unsupported");
    Ask {
        topic: Topic::Hardware,
        name: &format!("{interface}/runtime-power"),
        why: "a device that the kernel may suspend answers its first frame late",
        remedy: Remedy::write(&file, "on"),
    }
    .one_of(sysfs::read(root, &file).filter(|_| supported), &["on"], Absent::Right, mounts::hidden(root, &file))
}
