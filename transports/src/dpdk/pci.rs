//! A NIC by its PCI address: whether DPDK can take it, and whether it may.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::{api::Unmet, spare::HostUse};

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

/// Whether DPDK can have a NIC, by what sysfs (below `root`) says of it. With `force` also one that the host needs, even as a
/// part of a bond: nothing of it is changed here, and DPDK shares a NIC or finds it unbound.
///
/// # Errors
/// [`Unmet`], with the remedy.
pub(super) fn check(root: &Path, address: &PciAddress, host: &HostUse, force: bool) -> Result<(), Unmet> {
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
    let used = interfaces.iter().find_map(|name| host.spares(root, name).err()).filter(|_| !force);
    if let Some(why) = used {
        return Err(Unmet {
            needs: format!("a NIC that the host can spare, which {address} is not: {why}"),
            how: "name another port, or set `force_pci = true` under [transport.dpdk] and lose what goes through it"
                .to_owned(),
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
            how: format!(
                "modprobe vfio-pci && dpdk-devbind.py --bind=vfio-pci {address} (its interface goes away with that)"
            ),
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
        let host = HostUse::default().and_default_routes(busy.iter().map(|b| (*b).to_owned()));
        check(root.path(), &address("0000:03:00.0").unwrap(), &host, force).map_err(|e| e.to_string())
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
    fn nor_one_below_an_interface_that_it_lives_on_or_that_is_a_part_of_another() {
        let root = sysfs(Some("mlx5_core"), Some("eth0"));
        let below = root.path().join("sys/class/net/eth0");
        fs::create_dir_all(&below).unwrap();
        symlink("../eth0.10", below.join("upper_eth0.10")).unwrap();
        let text = checked(&root, &["eth0.10"], false).unwrap_err();
        assert!(text.contains("through eth0.10") && text.contains("force_pci"), "{text}");
        symlink("../bond0", below.join("master")).unwrap();
        let text = checked(&root, &[], false).unwrap_err();
        assert!(text.contains("a part of bond0") && text.contains("force_pci"), "{text}");
        assert_eq!(checked(&root, &["eth0.10"], true), Ok(()));
    }

    #[test]
    fn a_nic_that_is_not_there_is_named() {
        let root = tempfile::tempdir().unwrap();
        assert!(checked(&root, &[], true).unwrap_err().contains("0000:03:00.0"));
    }
}
