//! The clocks of network devices and who keeps them, and the system's own.

use std::{fmt::Write as _, path::Path};

use tickcert_probes::{
    phc::{Phc, Track},
    ptp::Keepers,
    sysfs,
};
use tickcert_results::{
    certificate::{ClockRecord, NotRun, SystemClockRecord},
    stamp::StampClock,
};

use crate::run::machine::row;

/// Readings of each clock; fewer than three would show no drift.
const READINGS: usize = 3;

/// Reads each clock beside the system's; rows for those that can't be read, and where there is none.
pub(super) fn look(not_run: &mut Vec<NotRun>) -> (Vec<ClockRecord>, SystemClockRecord) {
    let keepers = Keepers::find();
    let mut records = Vec::new();
    let devices = devices(Path::new("/"));
    if devices.is_empty() {
        not_run.push(row(
            "PTP hardware clocks",
            "a network device with a clock of its own, and a driver that shows it (/sys/class/ptp)",
            "a NIC that stamps frames; `ethtool -T NAME` shows its clock. In a container, run with the host's /sys",
        ));
    }
    for (number, interfaces) in devices {
        if let Err(e) = Phc::open(number) {
            // What is wrong and what to do are one sentence there.
            not_run.push(row(&format!("/dev/ptp{number}"), "that clock", e.to_string()));
            continue;
        }
        let kept = keepers.of(number, &interfaces);
        let mut track = Track::new(number, interfaces);
        (0..READINGS).for_each(|_| track.look(&kept));
        records.push(track.record());
    }
    (records, keepers.of_system())
}

/// Each clock's number, with the interfaces of its device.
fn devices(root: &Path) -> Vec<(u32, Vec<String>)> {
    let number = |name: &String| name.strip_prefix("ptp")?.parse::<u32>().ok();
    let clocks = sysfs::names(root, "sys/class/ptp");
    clocks
        .iter()
        .filter_map(|name| Some((number(name)?, sysfs::names(root, &format!("sys/class/ptp/{name}/device/net")))))
        .collect()
}

/// For a terminal.
pub(super) fn text(clocks: &[ClockRecord], system: &SystemClockRecord) -> String {
    let mut text = String::new();
    for record in clocks {
        let StampClock::Phc(number) = record.clock else { continue };
        let of = if record.interfaces.is_empty() { "no interface".to_owned() } else { record.interfaces.join(", ") };
        let name = if record.name.is_empty() { String::new() } else { format!(" {}", record.name) };
        let _ = writeln!(text, "PTP clock {number}{name} of {of}: {:?}, {}", record.lock, record.source);
        if let Some(last) = record.readings.last() {
            let _ = writeln!(
                text,
                "  ahead of the system's clock by {} (within {}), counts {:?} seconds",
                last.offset_ns, last.width_ns, record.timescale
            );
        }
        if let Some(offset) = record.largest_offset_ns {
            let _ = writeln!(text, "  from its reference by no more than {offset}");
        }
        record.troubles.iter().for_each(|trouble| {
            let _ = writeln!(text, "  {trouble}");
        });
    }
    let offset = system.offset_ns.map(|offset| format!(", offset {offset}")).unwrap_or_default();
    let _ = writeln!(
        text,
        "The system's clock: {}, {}{offset}; TAI is ahead of it by {} s, as the kernel has been told",
        if system.synchronised { "synchronised" } else { "not synchronised" },
        system.source,
        system.tai_utc_s
    );
    text
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tickcert_results::{
        certificate::Timescale,
        stamp::{ClockOffset, Lock},
    };

    use super::*;

    #[test]
    fn each_clock_is_named_with_the_interfaces_of_its_device() {
        let tree = tempfile::tempdir().unwrap();
        for interface in ["eth2", "eth3"] {
            fs::create_dir_all(tree.path().join("sys/class/ptp/ptp1/device/net").join(interface)).unwrap();
        }
        fs::create_dir_all(tree.path().join("sys/class/ptp/ptp0")).unwrap();
        let expected = vec![(0, vec![]), (1, vec!["eth2".to_owned(), "eth3".to_owned()])];
        assert_eq!(devices(tree.path()), expected);
        assert!(devices(&tree.path().join("none")).is_empty());
    }

    #[test]
    fn who_keeps_a_clock_and_how_far_it_is_are_told() {
        let record = ClockRecord {
            clock: StampClock::Phc(1),
            name: "ice".to_owned(),
            interfaces: vec!["eth2".to_owned()],
            timescale: Timescale::Tai,
            kernel_tai_utc_s: 37,
            readings: Vec::new(),
            drift_ppb: None,
            lock: Lock::Locked,
            source: "ptp4l".to_owned(),
            reference: None,
            largest_offset_ns: Some(tickcert_results::time::Nanos(41)),
            troubles: vec!["look".to_owned()],
        };
        let system = SystemClockRecord {
            tai_utc_s: 37,
            synchronised: true,
            source: "chrony".to_owned(),
            offset_ns: Some(ClockOffset(-5)),
        };
        let text = text(&[record], &system);
        for part in
            ["PTP clock 1 ice of eth2: Locked, ptp4l", "no more than 41 ns", "  look", "synchronised, chrony", "37 s"]
        {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
}
