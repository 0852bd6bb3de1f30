//! What the system under test is made of, from procfs, sysfs and CPUID, without measuring anything.

mod cpu;
mod hypervisor;
mod nics;
mod sut;

use std::path::Path;

use tickcert_results::certificate::Host;

pub(crate) use cpu::field as cpuinfo_field;
pub use hypervisor::hypervisor;
pub use nics::with_device;
pub use sut::{canonical_text, sut, sut_beside};

use crate::sysfs;

/// Reads the host below `root`: `/`, or a recorded tree. What can't be read is left empty (CPUID and the devices
/// themselves are asked only when `root` is `/`, since a tree can't answer for them).
#[must_use]
pub fn read(root: &Path) -> Host {
    let text = |file| sysfs::read(root, file).unwrap_or_default();
    Host {
        hostname: text("proc/sys/kernel/hostname"),
        cpu: cpu::read(root),
        kernel: text("proc/sys/kernel/osrelease"),
        kernel_build: text("proc/sys/kernel/version"),
        cmdline: text("proc/cmdline"),
        numa: numa(root),
        nics: nics::read(root),
        virtualised: hypervisor(root),
        memory_bytes: memory_bytes(&text("proc/meminfo")),
    }
}

/// Whether `root` is the running host, which can be asked more than its files say.
pub(crate) fn is_live(root: &Path) -> bool {
    root == Path::new("/")
}

/// Version of the first core's microcode.
#[must_use]
pub fn microcode(root: &Path) -> Option<String> {
    let cpuinfo = sysfs::read(root, "proc/cpuinfo")?;
    cpu::field(&cpuinfo, "microcode").map(str::to_owned)
}

/// Cores of each memory node, in order of the nodes' numbers.
fn numa(root: &Path) -> Vec<String> {
    const NODES: &str = "sys/devices/system/node";
    let mut nodes: Vec<u32> =
        sysfs::names(root, NODES).iter().filter_map(|name| name.strip_prefix("node")?.parse().ok()).collect();
    nodes.sort_unstable();
    nodes.iter().map(|n| sysfs::read(root, &format!("{NODES}/node{n}/cpulist")).unwrap_or_default()).collect()
}

/// `MemTotal` of `/proc/meminfo`, which counts in KiB.
fn memory_bytes(meminfo: &str) -> u64 {
    meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))
        .and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok())
        .map_or(0, |kib| kib.saturating_mul(1024))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sysfs::fixture::Tree;

    /// A two-socket server with SMT, two memory nodes and one NIC with a device.
    fn server() -> Tree {
        let tree = Tree::new()
            .file("proc/sys/kernel/hostname", "colo-7\n")
            .file("proc/sys/kernel/osrelease", "6.1.0-rt\n")
            .file("proc/sys/kernel/version", "#1 SMP PREEMPT_RT\n")
            .file("proc/cmdline", "BOOT_IMAGE=/vmlinuz root=UUID=1234 isolcpus=2-3 mitigations=off\n")
            .file("proc/meminfo", "MemTotal:       65536 kB\nMemFree: 1 kB\n")
            .file("proc/cpuinfo", "processor\t: 0\nmodel name\t: Fast CPU\nmicrocode\t: 0x1f\nflags\t\t: fpu tsc\n")
            .file("sys/devices/system/cpu/online", "0-3\n")
            .file("sys/devices/system/node/node0/cpulist", "0-1\n")
            .file("sys/devices/system/node/node1/cpulist", "2-3\n")
            .file("sys/class/net/lo/mtu", "65536")
            .file("sys/class/net/eth0/speed", "25000\n")
            .file("sys/devices/pci0000:00/0000:3b:00.0/numa_node", "1\n")
            .link("sys/devices/pci0000:00/0000:3b:00.0/driver", "../../../bus/pci/drivers/mlx5_core")
            .link("sys/class/net/eth0/device", "../../../devices/pci0000:00/0000:3b:00.0");
        (0..4).fold(tree, |tree, core| {
            let dir = format!("sys/devices/system/cpu/cpu{core}/topology");
            tree.file(&format!("{dir}/physical_package_id"), &(core / 2).to_string())
                .file(&format!("{dir}/thread_siblings_list"), if core < 2 { "0-1" } else { "2-3" })
        })
    }

    #[test]
    fn a_recorded_tree_is_read_whole() {
        let host = read(server().root());
        assert_eq!(host.hostname, "colo-7");
        assert_eq!((host.kernel.as_str(), host.kernel_build.as_str()), ("6.1.0-rt", "#1 SMP PREEMPT_RT"));
        assert_eq!((host.cpu.model.as_str(), host.cpu.microcode.as_str()), ("Fast CPU", "0x1f"));
        assert_eq!((host.cpu.cores, host.cpu.threads_per_core, host.cpu.sockets), (4, 2, 2));
        assert_eq!(host.numa, ["0-1", "2-3"]);
        assert_eq!(host.memory_bytes, 64 << 20);
        assert_eq!(host.virtualised, "none");
        let [nic] = host.nics.as_slice() else { panic!("{:?}", host.nics) };
        assert_eq!((nic.name.as_str(), nic.driver.as_str(), nic.pci.as_str()), ("eth0", "mlx5_core", "0000:3b:00.0"));
        assert_eq!((nic.numa_node, nic.speed_mbps), (1, 25_000));
    }

    #[test]
    fn an_empty_tree_gives_an_empty_host_and_no_failure() {
        let host = read(Tree::new().root());
        assert_eq!(host.memory_bytes, 0);
        assert!(host.nics.is_empty() && host.numa.is_empty() && host.kernel.is_empty());
    }

    #[test]
    fn the_hash_does_not_depend_on_the_host_name_or_on_which_disk_it_boots_from() {
        let a = read(server().root());
        let mut b = a.clone();
        b.hostname = "colo-8".into();
        b.cmdline = "BOOT_IMAGE=/vmlinuz.old root=/dev/sda1 isolcpus=2-3 mitigations=off".into();
        assert_eq!(sut(a, Some("A")).hash, sut(b, Some("B")).hash);
    }

    #[test]
    fn the_hash_depends_on_everything_that_makes_results_incomparable() {
        let base = read(server().root());
        let changes: [fn(&mut Host); 9] = [
            |h| h.cpu.model.push('x'),
            |h| h.cpu.microcode.push('0'),
            |h| h.kernel.push('x'),
            |h| h.kernel_build.push('x'),
            |h| h.cmdline.push_str(" nosmt"),
            |h| h.numa.truncate(1),
            |h| h.virtualised = "kvm".into(),
            |h| h.nics[0].firmware = "22.1".into(),
            |h| h.nics[0].driver = "ice".into(),
        ];
        let mut hashes: Vec<String> = changes
            .iter()
            .map(|change| {
                let mut host = base.clone();
                change(&mut host);
                sut(host, None).hash
            })
            .collect();
        hashes.push(sut(base, None).hash);
        hashes.sort();
        hashes.dedup();
        assert_eq!(hashes.len(), 10);
    }

    #[test]
    fn of_two_hosts_either_changes_the_hash_and_exchanging_them_does() {
        let (a, mut b) = (read(server().root()), read(server().root()));
        b.kernel.push('x');
        let of = |trader: &Host, exchange: &Host| sut_beside(trader.clone(), exchange, None).0.hash;
        let mut hashes = [of(&a, &a), of(&a, &b), of(&b, &a), of(&b, &b), sut(a.clone(), None).hash];
        hashes.sort();
        assert!(hashes.windows(2).all(|pair| pair[0] != pair[1]), "{hashes:?}");
        assert_eq!(sut_beside(a, &b, None).1, sut(b, None).hash, "the exchange's is as if it were measured itself");
    }

    #[test]
    fn this_host_can_be_read() {
        let host = read(Path::new("/"));
        assert!(host.cpu.cores >= 1 && host.memory_bytes > 0 && !host.kernel.is_empty());
        assert_eq!(sut(host.clone(), Some("x")).label, "x");
        assert_eq!(sut(host.clone(), None).label, host.hostname, "the name that it has, where nobody gives one");
        assert_eq!(sut(host.clone(), Some("x")).hash, sut(host, Some("y")).hash);
    }
}
