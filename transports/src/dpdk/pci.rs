//! A NIC by its PCI address: whether DPDK can take it, and whether it may.

use std::{
    collections::BTreeSet,
    fmt, fs,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    path::{Path, PathBuf},
};

use nix::ifaddrs::getifaddrs;
use serde::{Deserialize, Serialize};

use crate::api::Unmet;

/// Drivers that leave a device to user space.
const FOR_USER_SPACE: [&str; 3] = ["vfio-pci", "uio_pci_generic", "igb_uio"];
/// Drivers that share a device: DPDK's driver works beside them, through the kernel's verbs.
const SHARING: [&str; 3] = ["mlx5_core", "mlx4_core", "mana"];

/// Domain, bus, device and function: `0000:03:00.0`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PciAddress(String);

impl fmt::Display for PciAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<PciAddress> for String {
    fn from(address: PciAddress) -> Self {
        address.0
    }
}

impl TryFrom<String> for PciAddress {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let hex = |part: &str, digits| part.len() == digits && part.bytes().all(|b| b.is_ascii_hexdigit());
        let valid = || {
            let (domain, rest) = text.split_once(':')?;
            let (bus, rest) = rest.split_once(':')?;
            let (device, function) = rest.split_once('.')?;
            Some(hex(domain, 4) && hex(bus, 2) && hex(device, 2) && hex(function, 1))
        };
        if valid() == Some(true) {
            Ok(Self(text.to_ascii_lowercase()))
        } else {
            Err(format!("`{text}` is no PCI address; write it as `lspci -D` does: 0000:03:00.0"))
        }
    }
}

/// What the host uses its interfaces for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Busy(BTreeSet<String>);

impl Busy {
    /// Interfaces of the calling thread's network namespace that carry a default route or an SSH session.
    pub(super) fn read() -> Self {
        let table = |name: &str| fs::read_to_string(format!("/proc/thread-self/net/{name}")).unwrap_or_default();
        let mut busy: BTreeSet<String> = table("route").lines().filter_map(default_route).collect();
        busy.extend(table("ipv6_route").lines().filter_map(default_route_6));
        let sessions: BTreeSet<IpAddr> =
            ["tcp", "tcp6"].iter().flat_map(|t| table(t).lines().filter_map(ssh).collect::<Vec<_>>()).collect();
        for interface in getifaddrs().into_iter().flatten() {
            let address = interface.address.and_then(|a| {
                let v4 = a.as_sockaddr_in().map(|v4| IpAddr::V4(v4.ip()));
                v4.or_else(|| a.as_sockaddr_in6().map(|v6| IpAddr::V6(v6.ip())))
            });
            if address.is_some_and(|a| sessions.contains(&a)) {
                busy.insert(interface.interface_name);
            }
        }
        Self(busy)
    }
}

/// `Iface Destination Gateway Flags RefCnt Use Metric Mask …`, in hexadecimal.
fn default_route(line: &str) -> Option<String> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    (fields.get(1) == Some(&"00000000") && fields.get(7) == Some(&"00000000")).then(|| fields[0].to_owned())
}

/// `destination length source length next-hop metric references use flags interface`; the loopback has one that rejects.
fn default_route_6(line: &str) -> Option<String> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let is_default = fields.first()?.bytes().all(|b| b == b'0') && *fields.get(1)? == "00";
    fields.get(9).filter(|name| is_default && **name != "lo").map(|name| (*name).to_owned())
}

/// The local address of an established connection (state 1) to port 22: `sl local:port remote:port state …`.
fn ssh(line: &str) -> Option<IpAddr> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let (hex, port) = fields.get(1)?.split_once(':')?;
    if port != "0016" || *fields.get(3)? != "01" {
        return None;
    }
    let word = |at: usize| u32::from_str_radix(hex.get(at..at + 8)?, 16).ok().map(u32::to_ne_bytes);
    if hex.len() == 8 {
        return Some(IpAddr::V4(Ipv4Addr::from(word(0)?)));
    }
    let mut bytes = [0; 16];
    for (n, to) in bytes.chunks_exact_mut(4).enumerate() {
        to.copy_from_slice(&word(n * 8)?);
    }
    Some(Ipv6Addr::from(bytes).to_canonical())
}

/// Whether DPDK can have a NIC, by what sysfs (below `root`) says of it.
///
/// # Errors
/// [`Unmet`], with the remedy.
pub(super) fn check(root: &Path, address: &PciAddress, busy: &Busy, force: bool) -> Result<(), Unmet> {
    let device: PathBuf = root.join("sys/bus/pci/devices").join(&address.0);
    if !device.exists() {
        return Err(Unmet {
            needs: format!("a NIC at the PCI address {address}"),
            how: "`lspci -D -d ::0200` lists those of this host".to_owned(),
        });
    }
    let interfaces: Vec<String> = fs::read_dir(device.join("net"))
        .map(|entries| entries.flatten().map(|e| e.file_name().to_string_lossy().into_owned()).collect())
        .unwrap_or_default();
    if let Some(name) = interfaces.iter().find(|name| busy.0.contains(*name)).filter(|_| !force) {
        return Err(Unmet {
            needs: format!("a NIC that the host can spare: {address} is {name}, which carries the default route or an SSH session"),
            how: "name another port, or set `force_pci = true` under [transport.dpdk] and lose that connection".to_owned(),
        });
    }
    let driver = fs::read_link(device.join("driver")).ok();
    let driver = driver.as_ref().and_then(|path| path.file_name()).map(|name| name.to_string_lossy().into_owned());
    match driver.as_deref() {
        Some(name) if FOR_USER_SPACE.contains(&name) || SHARING.contains(&name) => Ok(()),
        other => Err(Unmet {
            needs: format!(
                "{address} bound to vfio-pci; it is bound to {}",
                other.map_or_else(|| "no driver".to_owned(), |name| format!("the kernel's driver {name}"))
            ),
            how: format!("modprobe vfio-pci && dpdk-devbind.py --bind=vfio-pci {address} (its interface goes away with that)"),
        }),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn address(text: &str) -> Result<PciAddress, String> {
        PciAddress::try_from(text.to_owned())
    }

    /// A sysfs with one NIC, of that driver and interface.
    fn sysfs(driver: Option<&str>, interface: Option<&str>) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        let device = root.path().join("sys/bus/pci/devices/0000:03:00.0");
        fs::create_dir_all(&device).unwrap();
        if let Some(driver) = driver {
            symlink(format!("../../../bus/pci/drivers/{driver}"), device.join("driver")).unwrap();
        }
        if let Some(interface) = interface {
            fs::create_dir_all(device.join("net").join(interface)).unwrap();
        }
        root
    }

    fn checked(root: &tempfile::TempDir, busy: &[&str], force: bool) -> Result<(), String> {
        let busy = Busy(busy.iter().map(|b| (*b).to_owned()).collect());
        check(root.path(), &address("0000:03:00.0").unwrap(), &busy, force).map_err(|e| e.to_string())
    }

    #[test]
    fn an_address_has_domain_bus_device_and_function() {
        assert!(address("0000:03:00.0").is_ok() && address("10AB:FF:1f.7").is_ok());
        for wrong in ["", "03:00.0", "0000:03:00", "0000:3:00.0", "0000:03:00.0,x=1", "eth0"] {
            assert!(address(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_nic_for_user_space_and_one_that_is_shared_can_be_had() {
        for driver in ["vfio-pci", "uio_pci_generic", "mlx5_core"] {
            assert_eq!(checked(&sysfs(Some(driver), None), &[], false), Ok(()));
        }
    }

    #[test]
    fn a_nic_that_the_kernel_drives_is_refused_with_the_command_that_binds_it() {
        let text = checked(&sysfs(Some("ice"), Some("eth2")), &[], false).unwrap_err();
        assert!(text.contains("driver ice") && text.contains("dpdk-devbind.py --bind=vfio-pci 0000:03:00.0"), "{text}");
        assert!(checked(&sysfs(None, None), &[], false).unwrap_err().contains("no driver"));
    }

    #[test]
    fn a_nic_that_the_host_lives_on_is_taken_only_by_force() {
        let root = sysfs(Some("mlx5_core"), Some("eth0"));
        assert!(checked(&root, &["eth0"], false).unwrap_err().contains("force_pci"));
        assert_eq!(checked(&root, &["eth0"], true), Ok(()));
        assert_eq!(checked(&root, &["eth1"], false), Ok(()));
    }

    #[test]
    fn a_nic_that_is_not_there_is_named() {
        let root = tempfile::tempdir().unwrap();
        assert!(checked(&root, &[], true).unwrap_err().contains("0000:03:00.0"));
    }

    #[test]
    fn default_routes_and_ssh_sessions_are_read_from_the_kernels_tables() {
        let line = "eth0\t00000000\t0102A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0";
        assert_eq!(default_route(line).as_deref(), Some("eth0"));
        assert_eq!(default_route(&line.replace("\t00000000\t0102", "\t0002A8C0\t0102")), None);
        assert_eq!(default_route("Iface\tDestination\tGateway \tFlags"), None);
        let zero = "0".repeat(32);
        let line = format!("{zero} 00 {zero} 00 {zero} 00000400 00000001 00000000 00000001     eth0");
        assert_eq!(default_route_6(&line).as_deref(), Some("eth0"));
        assert_eq!(default_route_6(&line.replace("eth0", "lo")), None);
        let line = "   1: 0500000A:0016 0100000A:C350 01 00000000:00000000";
        assert_eq!(ssh(line), Some("10.0.0.5".parse().unwrap()));
        assert_eq!(ssh(&line.replace(" 01 ", " 0A ")), None);
    }
}
