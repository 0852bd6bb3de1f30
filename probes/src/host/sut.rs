//! The identity of a system under test: results are comparable where the hash is the same.

use std::fmt::Write;

use sha2::{Digest, Sha256};
use tickcert_results::certificate::{Host, Sut};

/// The record of the system, under the user's name for it.
#[must_use]
pub fn sut(host: Host, label: Option<&str>) -> Sut {
    Sut { hash: hash(&canonical_text(&host)), label: named(label, &host), host }
}

/// The same of a trader's host, ticks and orders of which come from and go to another host: what that one is counts too.
/// With it, the exchange's own hash.
#[must_use]
pub fn sut_beside(host: Host, exchange: &Host, label: Option<&str>) -> (Sut, String) {
    let of_exchange = hash(&canonical_text(exchange));
    let hash = hash(&format!("{}\nexchange={of_exchange}", canonical_text(&host)));
    (Sut { hash, label: named(label, &host), host }, of_exchange)
}

/// The user's name for a host, or the one that it has.
fn named(label: Option<&str>, host: &Host) -> String {
    label.filter(|label| !label.is_empty()).unwrap_or(&host.hostname).to_owned()
}

fn hash(text: &str) -> String {
    Sha256::digest(text).iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// Kernel parameters that say which disk is booted from: different on twins, and of no effect on latency.
const BOOT_PARAMETERS: [&str; 4] = ["BOOT_IMAGE=", "root=", "initrd=", "resume="];

/// The text that is hashed: `key=value` lines in a fixed order. The host's name, its memory size and the names of its
/// interfaces are not in it.
#[must_use]
pub fn canonical_text(host: &Host) -> String {
    let boot = |p: &&str| BOOT_PARAMETERS.iter().any(|b| p.starts_with(b));
    // What stands after a lone `--` is for init and not for the kernel.
    let cmdline: Vec<&str> = host.cmdline.split_whitespace().take_while(|&p| p != "--").filter(|p| !boot(p)).collect();
    let cpu = &host.cpu;
    let mut lines = vec![
        "tickcert-sut/1".to_owned(),
        format!("cpu={}", cpu.model),
        format!("microcode={}", cpu.microcode),
        format!("cores={} threads_per_core={} sockets={}", cpu.cores, cpu.threads_per_core, cpu.sockets),
        format!("kernel={}", host.kernel),
        format!("kernel_build={}", host.kernel_build),
        format!("cmdline={}", cmdline.join(" ")),
        format!("virtualised={}", host.virtualised),
    ];
    lines.extend(host.numa.iter().enumerate().map(|(node, cores)| format!("numa{node}={cores}")));
    let mut nics: Vec<String> = host
        .nics
        .iter()
        .map(|n| {
            format!(
                "nic={} driver={} firmware={} numa_node={} speed_mbps={}",
                n.pci, n.driver, n.firmware, n.numa_node, n.speed_mbps
            )
        })
        .collect();
    nics.sort();
    lines.extend(nics);
    lines.join("\n")
}
