//! What sysfs says of an RDMA device's port, below a root of the caller's choice: whether its link is up, which addresses
//! (GIDs) it has, and which interface they are of.

use std::{
    fs,
    net::{Ipv4Addr, Ipv6Addr},
    path::{Path, PathBuf},
};

use crate::api::Unmet;

pub(super) const DEVICES: &str = "sys/class/infiniband";

/// An address of a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Gid {
    pub(super) index: u8,
    pub(super) bytes: [u8; 16],
}

impl Gid {
    /// The IPv4 address in it (`::ffff:a.b.c.d`).
    pub(super) fn ipv4(&self) -> Option<Ipv4Addr> {
        Ipv6Addr::from(self.bytes).to_ipv4_mapped()
    }
}

/// One port of a device.
#[derive(Clone, Debug)]
pub(super) struct Port {
    device: String,
    number: u8,
    folder: PathBuf,
}

/// Names of the devices that there are.
pub(super) fn devices(root: &Path) -> Vec<String> {
    let entries = fs::read_dir(root.join(DEVICES)).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    names
}

/// Whether the device is no hardware.
pub(super) fn is_software(root: &Path, device: &str) -> bool {
    let path = fs::read_link(root.join(DEVICES).join(device));
    path.is_ok_and(|path| path.iter().any(|part| part == "virtual"))
}

/// The device with a port over that interface, and its number.
pub(super) fn over_interface(root: &Path, interface: &str) -> Option<(String, u8)> {
    devices(root).into_iter().find_map(|device| {
        let ports = fs::read_dir(root.join(DEVICES).join(&device).join("ports")).ok()?;
        let mut numbers = ports.flatten().filter_map(|port| port.file_name().to_str()?.parse::<u8>().ok());
        let number =
            numbers.find(|number| Port::new(root, &device, *number).interface().as_deref() == Some(interface))?;
        Some((device, number))
    })
}

impl Port {
    /// Of that device, whether or not there is one.
    pub(super) fn new(root: &Path, device: &str, number: u8) -> Self {
        let folder = root.join(DEVICES).join(device).join("ports").join(number.to_string());
        Self { device: device.to_owned(), number, folder }
    }

    /// The device's name.
    pub(super) fn device(&self) -> &str {
        &self.device
    }

    /// Number of the port on its device.
    pub(super) const fn number(&self) -> u8 {
        self.number
    }

    fn read(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.folder.join(name)).ok().map(|text| text.trim().to_owned())
    }

    /// The interface that it is over.
    pub(super) fn interface(&self) -> Option<String> {
        self.read("gid_attrs/ndevs/0")
    }

    /// Whether a lane over RoCE can use it: there, over Ethernet, link up.
    ///
    /// # Errors
    /// [`Unmet`], with the remedy.
    pub(super) fn check(&self, root: &Path) -> Result<(), Unmet> {
        let Self { device, number, .. } = self;
        let Some(state) = self.read("state") else {
            let there_are = devices(root);
            let have = if there_are.is_empty() { "none".to_owned() } else { there_are.join(", ") };
            return Err(Unmet {
                needs: format!("the RDMA device {device} with a port {number}; there are: {have}"),
                how: "name one that `rdma link` prints under [transport.rdma], or load its driver (mlx5_ib, irdma, bnxt_re)".to_owned(),
            });
        };
        let layer = self.read("link_layer").unwrap_or_default();
        if layer != "Ethernet" {
            return Err(Unmet {
                needs: format!("a port over Ethernet; that of {device} is {layer}"),
                how: format!(
                    "switch it to Ethernet (ConnectX: `mlxconfig -d {device} set LINK_TYPE_P{number}=2`), or name another device"
                ),
            });
        }
        // `4: ACTIVE`
        if !state.starts_with("4:") {
            let interface = self.interface().unwrap_or_else(|| "its interface".to_owned());
            return Err(Unmet {
                needs: format!("a link that is up; port {number} of {device} is {state}"),
                how: format!("ip link set {interface} up; is it cabled?"),
            });
        }
        Ok(())
    }

    /// The GID to be used: that of the index, or the first of RoCE v2 with the address `wanted`, or with any of IPv4.
    ///
    /// # Errors
    /// [`Unmet`], with the remedy.
    pub(super) fn gid(&self, index: Option<u32>, wanted: Ipv4Addr) -> Result<Gid, Unmet> {
        let Self { device, number, .. } = self;
        if let Some(index) = index {
            return u8::try_from(index).ok().and_then(|index| self.gid_at(index)).ok_or_else(|| Unmet {
                needs: format!("a GID of index {index}; port {number} of {device} has none there"),
                how: "leave gid_index out, or choose one of `rdma link show -d` or show_gids".to_owned(),
            });
        }
        let of_v2 = || (0..=u8::MAX).filter_map(|index| self.gid_at(index)).filter(|gid| self.is_v2(gid.index));
        let found = of_v2().find(|gid| gid.ipv4() == Some(wanted)).or_else(|| of_v2().find(|gid| gid.ipv4().is_some()));
        found.ok_or_else(|| {
            let interface = self.interface().unwrap_or_else(|| "INTERFACE".to_owned());
            Unmet {
                needs: format!("a GID of RoCE v2 with an IPv4 address; port {number} of {device} has none"),
                how: format!(
                    "ip addr add {wanted}/24 dev {interface} (the device makes a GID of it), or set gid_index"
                ),
            }
        })
    }

    fn gid_at(&self, index: u8) -> Option<Gid> {
        let address: Ipv6Addr = self.read(&format!("gids/{index}"))?.parse().ok()?;
        (!address.is_unspecified()).then(|| Gid { index, bytes: address.octets() })
    }

    fn is_v2(&self, index: u8) -> bool {
        self.read(&format!("gid_attrs/types/{index}")).is_some_and(|kind| kind == "RoCE v2")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);

    fn write(root: &Path, name: &str, text: &str) {
        let path = root.join("sys/class/infiniband/mlx5_0/ports/1").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, format!("{text}\n")).unwrap();
    }

    /// A host with one device, as Linux 6.12 shows a ConnectX with two addresses.
    fn host(state: &str, layer: &str, gids: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), "state", state);
        write(root.path(), "link_layer", layer);
        write(root.path(), "gid_attrs/ndevs/0", "ens1f0");
        for (index, (gid, kind)) in gids.iter().enumerate() {
            write(root.path(), &format!("gids/{index}"), gid);
            write(root.path(), &format!("gid_attrs/types/{index}"), kind);
        }
        root
    }

    const GIDS: &[(&str, &str)] = &[
        ("fe80:0000:0000:0000:0e42:a1ff:fe5c:0002", "IB/RoCE v1"),
        ("fe80:0000:0000:0000:0e42:a1ff:fe5c:0002", "RoCE v2"),
        ("0000:0000:0000:0000:0000:ffff:c0a8:0001", "IB/RoCE v1"),
        ("0000:0000:0000:0000:0000:ffff:c0a8:0001", "RoCE v2"),
        ("0000:0000:0000:0000:0000:ffff:0a4d:0001", "IB/RoCE v1"),
        ("0000:0000:0000:0000:0000:ffff:0a4d:0001", "RoCE v2"),
        ("0000:0000:0000:0000:0000:0000:0000:0000", ""),
    ];

    fn port(root: &tempfile::TempDir) -> Port {
        Port::new(root.path(), "mlx5_0", 1)
    }

    #[test]
    fn the_gid_is_of_roce_v2_with_the_address_wanted_or_else_the_first_of_ipv4() {
        let root = host("4: ACTIVE", "Ethernet", GIDS);
        assert_eq!(port(&root).gid(None, OURS).unwrap().index, 5);
        let other = port(&root).gid(None, Ipv4Addr::new(1, 2, 3, 4)).unwrap();
        assert_eq!((other.index, other.ipv4()), (3, Some(Ipv4Addr::new(192, 168, 0, 1))));
        assert_eq!(port(&root).gid(Some(1), OURS).unwrap().index, 1);
    }

    #[test]
    fn a_device_without_a_gid_and_an_index_without_one_are_needs_with_the_command_that_makes_one() {
        let root = host("4: ACTIVE", "Ethernet", &GIDS[..2]);
        let unmet = port(&root).gid(None, OURS).unwrap_err();
        assert!(unmet.needs.contains("RoCE v2") && unmet.how.contains("10.77.0.1/24 dev ens1f0"), "{unmet}");
        let root = host("4: ACTIVE", "Ethernet", GIDS);
        for index in [6, 7] {
            let unmet = port(&root).gid(Some(index), OURS).unwrap_err();
            assert!(unmet.needs.contains(&format!("index {index}")), "{unmet}");
        }
    }

    #[test]
    fn a_link_that_is_down_another_layer_and_no_device_are_needs() {
        let check = |root: &tempfile::TempDir| port(root).check(root.path());
        assert_eq!(check(&host("4: ACTIVE", "Ethernet", GIDS)), Ok(()));
        let down = check(&host("1: DOWN", "Ethernet", GIDS)).unwrap_err();
        assert!(down.needs.contains("1: DOWN") && down.how.starts_with("ip link set ens1f0 up"), "{down}");
        let infiniband = check(&host("4: ACTIVE", "InfiniBand", GIDS)).unwrap_err();
        assert!(infiniband.needs.contains("InfiniBand") && infiniband.how.contains("LINK_TYPE_P1=2"), "{infiniband}");
        let root = host("4: ACTIVE", "Ethernet", GIDS);
        let absent = Port::new(root.path(), "mlx5_7", 1).check(root.path()).unwrap_err();
        assert!(absent.needs.contains("mlx5_7") && absent.needs.contains("there are: mlx5_0"), "{absent}");
        let none = port(&tempfile::tempdir().unwrap()).check(Path::new("/nowhere")).unwrap_err();
        assert!(none.needs.contains("there are: none"), "{none}");
    }

    #[test]
    fn a_device_is_found_by_its_interface() {
        let root = host("4: ACTIVE", "Ethernet", GIDS);
        assert_eq!(over_interface(root.path(), "ens1f0"), Some(("mlx5_0".to_owned(), 1)));
        assert_eq!(over_interface(root.path(), "ens1f1"), None);
        assert_eq!(over_interface(Path::new("/nowhere"), "ens1f0"), None);
    }
}
