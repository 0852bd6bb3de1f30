//! Whether the host can spare an interface: what it is used for, by itself or below others (a bond, a bridge, a VLAN).

mod routes;
mod sessions;
mod stack;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    path::Path,
};

use nix::ifaddrs::getifaddrs;

/// Why an interface can't be spared.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotSpared {
    /// It is a part of another one, which would go on without it and doesn't get it back as it was.
    #[error("{interface} is a part of {master}, which would lose it (`ip link set dev {interface} nomaster` frees it)")]
    Enslaved {
        /// Which.
        interface: String,
        /// The bond or bridge.
        master: String,
    },
    /// Everything that has no other route goes through it.
    #[error("{interface} carries the default route{}, so the host would be cut off", through(interface, by))]
    DefaultRoute {
        /// Which.
        interface: String,
        /// The interface that the route names: this one, or one that lies on it.
        by: String,
    },
    /// Somebody is logged in through it.
    #[error("{interface} carries an SSH session{} (to {local}), which would be cut off", through(interface, by))]
    SshSession {
        /// Which.
        interface: String,
        /// The interface that has the address: this one, or one that lies on it.
        by: String,
        /// The session's address here.
        local: IpAddr,
    },
}

fn through(interface: &str, by: &str) -> String {
    if interface == by { String::new() } else { format!(" (through {by}, which lies on it)") }
}

impl NotSpared {
    /// Whether somebody who says so may take it all the same: what it is used for stands still until it is back.
    #[must_use]
    pub const fn can_be_forced(&self) -> bool {
        !matches!(self, Self::Enslaved { .. })
    }
}

/// What the host uses its interfaces for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostUse {
    default_routes: BTreeSet<String>,
    sessions: BTreeMap<String, IpAddr>,
}

/// An IPv4 address may have a label (`eth0:1`), and then that is what it is listed under.
fn without_label(name: &str) -> &str {
    name.split_once(':').map_or(name, |(interface, _)| interface)
}

impl HostUse {
    /// Of the calling thread's network namespace: default routes, and SSH sessions on port 22 or the one that this
    /// process itself was started through.
    #[must_use]
    pub fn read() -> Self {
        let sessions = sessions::local_addresses();
        let own = getifaddrs().into_iter().flatten().filter_map(|interface| {
            let address = interface.address?;
            let v4 = address.as_sockaddr_in().map(|v4| IpAddr::V4(v4.ip()));
            let ip = v4.or_else(|| address.as_sockaddr_in6().map(|v6| IpAddr::V6(v6.ip())))?;
            sessions.contains(&ip).then_some((without_label(&interface.interface_name).to_owned(), ip))
        });
        Self { default_routes: routes::default_routes(), sessions: own.collect() }
    }

    /// With further interfaces that a default route goes through: the kernel's tables show one of several next hops.
    #[must_use]
    pub fn and_default_routes(mut self, interfaces: impl IntoIterator<Item = String>) -> Self {
        self.default_routes.extend(interfaces);
        self
    }

    /// Whether the host can spare this interface, by what sysfs (below `root`) says of those that lie on it.
    ///
    /// # Errors
    /// [`NotSpared`].
    pub fn spares(&self, root: &Path, interface: &str) -> Result<(), NotSpared> {
        let named = |name: &str| name.to_owned();
        if let Some(master) = stack::master(root, interface) {
            return Err(NotSpared::Enslaved { interface: named(interface), master });
        }
        for by in std::iter::once(named(interface)).chain(stack::above(root, interface)) {
            if self.default_routes.contains(&by) {
                return Err(NotSpared::DefaultRoute { interface: named(interface), by });
            }
            if let Some(&local) = self.sessions.get(&by) {
                return Err(NotSpared::SshSession { interface: named(interface), by, local });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{stack::tests::Tree, *};

    /// A host whose default route goes through the one, and that is logged in to through the other.
    fn host(default_route: &str, session: &str) -> HostUse {
        let sessions = BTreeMap::from([(session.to_owned(), "192.0.2.1".parse().unwrap())]);
        HostUse { sessions, ..HostUse::default() }.and_default_routes([default_route.to_owned()])
    }

    #[test]
    fn an_address_with_a_label_is_its_interfaces() {
        assert_eq!(["eth0:ssh", "eth0", "eth0.10:1"].map(without_label), ["eth0", "eth0", "eth0.10"]);
    }

    #[test]
    fn an_interface_that_carries_the_default_route_or_a_session_is_not_spared() {
        let (tree, host) = (Tree::new(), host("eth0", "eth1"));
        let why = |name: &str| host.spares(tree.root(), name).unwrap_err();
        assert!(matches!(why("eth0"), NotSpared::DefaultRoute { by, .. } if by == "eth0"));
        assert!(matches!(why("eth1"), NotSpared::SshSession { by, .. } if by == "eth1"));
        assert!(!why("eth0").to_string().contains("through") && why("eth0").can_be_forced());
        assert_eq!(host.spares(tree.root(), "eth2"), Ok(()));
    }

    #[test]
    fn nor_is_one_below_a_vlan_or_a_macvlan_that_does() {
        let tree = Tree::new();
        tree.lies_on("eth0.10", "eth0");
        tree.lies_on("macvlan0", "eth1");
        let host = host("eth0.10", "macvlan0");
        let text = |name: &str| host.spares(tree.root(), name).unwrap_err().to_string();
        assert!(text("eth0").contains("default route (through eth0.10, which lies on it)"), "{}", text("eth0"));
        assert!(text("eth1").contains("SSH session (through macvlan0"), "{}", text("eth1"));
    }

    #[test]
    fn a_part_of_a_bond_or_bridge_is_not_spared_whatever_it_carries_and_the_command_frees_it() {
        let tree = Tree::new();
        tree.enslaved("eth0", "bond0");
        tree.enslaved("eth1", "br0");
        for (name, master) in [("eth0", "bond0"), ("eth1", "br0")] {
            let why = host("wlan0", "wlan0").spares(tree.root(), name).unwrap_err();
            assert!(matches!(&why, NotSpared::Enslaved { master: m, .. } if m == master), "{why}");
            assert!(why.to_string().contains(&format!("ip link set dev {name} nomaster")), "{why}");
            assert!(!why.can_be_forced());
        }
    }

    #[test]
    fn layers_are_followed_to_the_top_and_those_of_others_are_none() {
        let tree = Tree::new();
        tree.lies_on("eth0.10", "eth0");
        tree.lies_on("br0", "eth0.10");
        tree.lies_on("br0.7", "br0");
        tree.lies_on("eth1.10", "eth1");
        let host = host("br0.7", "none");
        assert!(matches!(host.spares(tree.root(), "eth0"), Err(NotSpared::DefaultRoute { by, .. }) if by == "br0.7"));
        assert_eq!(host.spares(tree.root(), "eth1"), Ok(()));
    }
}
