//! What an interface does by itself: gathering interrupts and frames, pausing, putting polling off.

use std::path::Path;

use tickcert_results::certificate::Topic;

use super::{
    finding::{ABSENT, Ask, Finding, UNTOLD},
    mounts,
    remedy::{NicParameter, Remedy},
};
use crate::{
    ethtool::{self, Answer, Feature, ReceiveOffloads},
    sysfs,
};

pub(super) fn read(root: &Path, interface: &str) -> Vec<Finding> {
    vec![
        driver(root, interface),
        // Some drivers refuse a time while they change it themselves, so this is switched off first.
        adaptive(root, interface),
        coalescing(root, interface),
        gro(root, interface),
        lro(root, interface),
        pause(root, interface),
    ]
}

/// Firmware that says nothing is shown by ethtool as `N/A` or as blanks.
fn driver(root: &Path, interface: &str) -> Finding {
    let found = ethtool::driver(root, interface).unwrap_or_default();
    let link = sysfs::link_name(root, &format!("sys/class/net/{interface}/device/driver"));
    let name = link.unwrap_or(found.driver);
    let known = !matches!(found.firmware.as_str(), "" | "N/A");
    let firmware = if known { format!(", firmware {}", found.firmware) } else { ", firmware unknown".to_owned() };
    let version = if found.version.is_empty() { String::new() } else { format!(" {}", found.version) };
    // Virtual devices have no firmware of their own.
    let is_virtual = name.starts_with("virtio") || matches!(name.as_str(), "veth" | "vmxnet3" | "hv_netvsc");
    Ask {
        topic: Topic::Hardware,
        name: &format!("{interface}/driver"),
        why: "driver and firmware decide on stamps, queues and latency: a result without their versions can't be repeated",
        remedy: Remedy::hand(&format!("`ethtool -i {interface}` on the host; install the vendor's firmware")),
    }
    .judged(
        if name.is_empty() { ABSENT.to_owned() } else { format!("{name}{version}{firmware}") },
        "known",
        !name.is_empty() && (known || is_virtual),
    )
}

/// A question to ethtool, and what its finding says whatever the answer is.
struct Question<'a> {
    root: &'a Path,
    interface: &'a str,
    topic: Topic,
    name: &'a str,
    why: &'a str,
    wanted: &'a str,
    /// By which `ethtool` asks it on the command line.
    flag: &'a str,
}

/// What an answer shows, how it is put right, and whether that is needed.
struct Judged {
    /// Each part of it; none where the driver doesn't have it.
    shown: Vec<String>,
    remedy: Remedy,
    ok: bool,
}

impl Question<'_> {
    fn judged<T>(&self, answer: Answer<T>, judge: impl FnOnce(Option<T>) -> Judged) -> Finding {
        let name = format!("{}/{}", self.interface, self.name);
        let ask = |remedy| Ask { topic: self.topic, name: &name, why: self.why, remedy };
        match answer {
            Ok(found) => {
                let Judged { shown, remedy, ok } = judge(found);
                let value = if shown.is_empty() { ABSENT.to_owned() } else { shown.join(", ") };
                ask(remedy).judged(value, self.wanted, ok)
            }
            // The kernel or the driver refused the question: it may be right or wrong.
            Err(e) => {
                let asking = format!("ethtool {} {}", self.flag, self.interface);
                let remedy = Remedy::hand(&format!("ask as root on the host: `{asking}`; here the kernel said: {e}"));
                ask(remedy).judged(UNTOLD.to_owned(), self.wanted, false)
            }
        }
    }

    /// What is shown is right when nothing has to be changed.
    fn changed(&self, shown: Vec<String>, changes: &[(NicParameter, &'static str)]) -> Judged {
        let ok = changes.is_empty();
        let remedy = if ok { Remedy::none() } else { Remedy::nic(self.root, self.interface, changes) };
        Judged { shown, remedy, ok }
    }
}

fn coalescing(root: &Path, interface: &str) -> Finding {
    let question = Question {
        root,
        interface,
        topic: Topic::Hardware,
        name: "coalescing",
        why: "a frame waits this many us in the NIC, or for so many frames, before anybody hears of it",
        wanted: "0 us, no more than 1 frame",
        flag: "-c",
    };
    question.judged(ethtool::coalescing(root, interface), |found| {
        let times: Vec<(&'static str, u32)> = found
            .into_iter()
            .flat_map(|c| [("rx-usecs", c.rx_us), ("tx-usecs", c.tx_us)])
            .filter_map(|(name, us)| Some((name, us?)))
            .collect();
        // By frames an interrupt comes with the first one at 1, and not by frames at all at 0.
        let frames = found.and_then(|c| c.rx_frames).map(|frames| ("rx-frames", frames));
        // It keeps back the news that frames have left, and no frame.
        let told_late = found.and_then(|c| c.tx_frames).filter(|n| *n > 0).map(|frames| ("tx-frames", frames));
        let shown = times.iter().chain(&frames).chain(&told_late).map(|(name, n)| format!("{name} {n}")).collect();
        let mut changes: Vec<_> =
            times.iter().filter(|(_, us)| *us > 0).map(|&(name, _)| (NicParameter::Coalesce(name), "0")).collect();
        changes.extend(frames.filter(|(_, n)| *n > 1).map(|(name, _)| (NicParameter::Coalesce(name), "1")));
        question.changed(shown, &changes)
    })
}

/// Each by its own name: some drivers refuse a command that names one which they don't know.
fn adaptive(root: &Path, interface: &str) -> Finding {
    let question = Question {
        root,
        interface,
        topic: Topic::Hardware,
        name: "adaptive-coalescing",
        why: "the driver changes the wait with the traffic, so latency depends on what came before",
        wanted: "off",
        flag: "-c",
    };
    question.judged(ethtool::coalescing(root, interface), |found| {
        let switches: Vec<(&'static str, bool)> = found
            .into_iter()
            .flat_map(|c| [("adaptive-rx", c.adaptive_rx), ("adaptive-tx", c.adaptive_tx)])
            .filter_map(|(name, on)| Some((name, on?)))
            .collect();
        let on: Vec<&'static str> = switches.iter().filter(|(_, on)| *on).map(|&(name, _)| name).collect();
        let shown = match (switches.is_empty(), on.is_empty()) {
            (true, _) => Vec::new(),
            (_, true) => vec!["off".to_owned()],
            _ => vec![format!("{} on", on.join(", "))],
        };
        let changes: Vec<_> = on.iter().map(|&name| (NicParameter::Coalesce(name), "off")).collect();
        question.changed(shown, &changes)
    })
}

const fn word(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

fn gro(root: &Path, interface: &str) -> Finding {
    let why = "the kernel holds a frame back to join it with the next ones of its flow";
    offload(root, interface, "gro", why, |found| {
        vec![("gro", "generic-receive-offload", found.gro), ("rx-gro-hw", "rx-gro-hw", found.gro_hw)]
    })
}

fn lro(root: &Path, interface: &str) -> Finding {
    let why = "the NIC holds a frame back to join it with the next ones, and spoils their stamps";
    offload(root, interface, "lro", why, |found| vec![("lro", "large-receive-offload", found.lro)])
}

/// A feature by short name, long name and state.
type Named = (&'static str, &'static str, Option<Feature>);

/// What is fixed isn't asked to be changed.
fn offload(
    root: &Path,
    interface: &str,
    name: &str,
    why: &str,
    features: impl FnOnce(ReceiveOffloads) -> Vec<Named>,
) -> Finding {
    let question = Question { root, interface, topic: Topic::OperatingSystem, name, why, wanted: "off", flag: "-k" };
    question.judged(ethtool::receive_offloads(root, interface), |found| {
        let known: Vec<_> = features(found.unwrap_or_default())
            .into_iter()
            .filter_map(|(short, long, state)| Some((short, long, state?)))
            .collect();
        let (fixed, free): (Vec<_>, Vec<_>) =
            known.iter().filter(|(_, _, state)| state.on).partition(|(_, _, state)| state.fixed);
        let state = |state: &Feature| format!("{}{}", word(state.on), if state.fixed { " [fixed]" } else { "" });
        let shown = match known.as_slice() {
            [(_, _, one)] => vec![state(one)],
            _ => known.iter().map(|(short, _, one)| format!("{short} {}", state(one))).collect(),
        };
        let changes: Vec<_> =
            free.iter().map(|&&(short, long, _)| (NicParameter::Feature { short, long }, "off")).collect();
        match (changes.is_empty(), fixed.is_empty()) {
            (true, false) => Judged { shown, remedy: Remedy::hand(FIXED), ok: false },
            _ => question.changed(shown, &changes),
        }
    })
}

const FIXED: &str = "the driver doesn't let it be switched off: another version of it, another driver (DPDK's, past the kernel), or another NIC";

/// All that a host can see of a switch whose buffers are full.
fn pause(root: &Path, interface: &str) -> Finding {
    let question = Question {
        root,
        interface,
        topic: Topic::Hardware,
        name: "pause-frames",
        why: "a switch or peer whose buffers are full can stop this end, which then shows as latency of its own",
        wanted: "rx off, tx off",
        flag: "-a",
    };
    question.judged(ethtool::pause(root, interface), |found| {
        let shown = found.iter().map(|p| format!("rx {}, tx {}", word(p.rx), word(p.tx))).collect();
        let on: Vec<_> = found
            .into_iter()
            .filter(|p| p.rx || p.tx)
            .flat_map(|p| [("autoneg", p.negotiated), ("rx", p.rx), ("tx", p.tx)])
            .filter(|(_, on)| *on)
            .map(|(name, _)| (NicParameter::Pause(name), "off"))
            .collect();
        question.changed(shown, &on)
    })
}

/// The run sets both where the profile says so (`run_sets_it`); what is found then is of no matter.
pub(super) fn deferral(root: &Path, interface: &str, run_sets_it: bool) -> Finding {
    let files = ["napi_defer_hard_irqs", "gro_flush_timeout"].map(|file| format!("sys/class/net/{interface}/{file}"));
    let found: Vec<Option<String>> = files.iter().map(|file| sysfs::read(root, file)).collect();
    let set = found.iter().flatten().any(|value| value != "0");
    let value = match found.as_slice() {
        [Some(defer), Some(timeout)] => format!("{defer}, {timeout}"),
        _ => ABSENT.to_owned(),
    };
    let remedy = if set {
        Remedy::writes(files.into_iter().map(|file| (file, "0".to_owned())).collect()).lasts_by(
            "it is 0 when the interface comes up, unless something sets it: a rule of udev, a unit, the distribution's tuning",
        )
    } else {
        Remedy::none()
    };
    let ask = Ask {
        topic: Topic::OperatingSystem,
        name: &format!("{interface}/napi_defer_hard_irqs, gro_flush_timeout"),
        why: "with these a frame waits for a poll that only a busy-polling socket makes; a profile's [bench] sets them for lanes that want it",
        remedy,
    };
    let wanted = if run_sets_it { "any: the run sets them" } else { "0, 0" };
    match mounts::hidden(root, "sys/class/net").filter(|_| !run_sets_it) {
        Some(mount) => ask.untold(mount, wanted),
        None => ask.judged(value, wanted, !set || run_sets_it),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_refuses_to_tell_is_not_taken_for_what_the_driver_does_not_have() {
        let findings = read(Path::new("/"), "nosuchinterface");
        for what in ["adaptive-coalescing", "coalescing", "gro", "lro", "pause-frames"] {
            let name = format!("nosuchinterface/{what}");
            let Finding { setting, steps, .. } = findings.iter().find(|f| f.setting.name == name).unwrap();
            assert_eq!((setting.value.as_str(), setting.ok), (UNTOLD, false), "{name}");
            assert!(setting.fix.contains("`ethtool -") && setting.fix.contains("No such device"), "{}", setting.fix);
            assert!(steps.is_empty(), "nothing that is not known is set: {name}");
        }
        let on_loopback = read(Path::new("/"), "lo");
        let of_loopback = on_loopback.iter().find(|f| f.setting.name == "lo/coalescing").unwrap();
        assert_eq!((of_loopback.setting.value.as_str(), of_loopback.setting.ok), (ABSENT, true));
    }
}
