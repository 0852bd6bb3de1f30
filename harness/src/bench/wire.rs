//! What the wire is made of, and what can be said of it before it is touched.

use std::path::Path;

use tickcert_probes::host;
use tickcert_transports::api::Unmet;

use super::{error::BenchError, interfaces, netlink::Connection};

/// What the wire is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wire {
    /// A veth pair; needs no hardware, gives emulated evidence.
    Veth,
    /// Two interfaces of the host that are cabled to each other.
    Interfaces {
        /// The exchange's.
        exchange: String,
        /// The trader's.
        trader: String,
        /// Even if the default route or an SSH session goes through one of them.
        force: bool,
    },
    /// An interface of this host that is cabled to one of another.
    TwoHosts {
        /// The exchange's, here.
        exchange: String,
        /// The trader's, on its own host.
        trader: String,
        /// As above.
        force: bool,
    },
}

impl Wire {
    /// As in a certificate: `veth`, or `eth2-eth3`, or `eth2-eth2 (two hosts)`.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Veth => "veth".to_owned(),
            Self::Interfaces { exchange, trader, .. } => format!("{exchange}-{trader}"),
            Self::TwoHosts { exchange, trader, .. } => format!("{exchange}-{trader} (two hosts)"),
        }
    }

    /// Whether the interfaces of this host are there and may be lent, from the network namespace of the calling thread. Changes
    /// nothing, and needs no privilege.
    ///
    /// # Errors
    /// [`BenchError::Interface`] for one that must not be used or is not there.
    pub fn check(&self) -> Result<(), BenchError> {
        match self {
            Self::Veth => Ok(()),
            Self::Interfaces { exchange, trader, force } => interfaces::check([exchange, trader], *force),
            Self::TwoHosts { exchange, force, .. } => interfaces::check_one(exchange, *force),
        }
    }

    /// Why nothing better than emulated evidence can come of it, in the network namespace of the calling thread and
    /// before the bench has the interfaces; `None` for devices on bare metal. Of two hosts, as far as this one is concerned.
    ///
    /// # Errors
    /// [`BenchError`] when an interface can't be looked at.
    pub fn virtual_because(&self) -> Result<Option<String>, BenchError> {
        match self {
            Self::Veth => Ok(Some("the wire is a veth pair: no NIC took part".to_owned())),
            Self::Interfaces { exchange, trader, .. } => virtual_because(&[exchange, trader]),
            Self::TwoHosts { exchange, .. } => virtual_because(&[exchange]),
        }
    }

    /// What it needs that a process lacks which is root in a user namespace of its own only.
    #[must_use]
    pub fn unmet_without_root(&self) -> Option<Unmet> {
        match self {
            Self::Veth => None,
            Self::Interfaces { exchange, trader, .. } => Some(Unmet {
                needs: format!("root on the host, to lend {exchange} and {trader} to the bench"),
                how: "run as root, or leave the interfaces out for a virtual wire".to_owned(),
            }),
            Self::TwoHosts { exchange, .. } => Some(Unmet {
                needs: format!("root on the host, to lend {exchange} to the bench"),
                how: "run as root".to_owned(),
            }),
        }
    }
}

/// Why nothing better than emulated evidence can come of these interfaces of this host.
///
/// # Errors
/// [`BenchError`] when one can't be looked at.
pub fn virtual_because(interfaces: &[&str]) -> Result<Option<String>, BenchError> {
    let mut connection = Connection::open()?;
    for name in interfaces {
        if let Some(kind) = connection.interface(name)?.kind {
            return Ok(Some(format!("{name} is of the kind {kind}: software, not a NIC")));
        }
    }
    let (nics, names) = (if interfaces.len() == 1 { "the NIC" } else { "the NICs" }, interfaces.join(" and "));
    Ok(match host::hypervisor(Path::new("/")).as_str() {
        "none" => None,
        hypervisor => Some(format!("a hypervisor ({hypervisor}) stands between the host and {nics} of {names}")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::interfaces::InterfaceError;

    fn wire(exchange: &str, trader: &str) -> Wire {
        Wire::Interfaces { exchange: exchange.into(), trader: trader.into(), force: false }
    }

    #[test]
    fn a_wire_is_called_by_its_interfaces() {
        assert_eq!((Wire::Veth.name(), wire("eth2", "eth3").name()), ("veth".into(), "eth2-eth3".into()));
    }

    #[test]
    fn an_interface_that_is_not_there_is_answered_with_those_that_are() {
        let e = wire("nosuch0", "nosuch1").check().unwrap_err();
        assert!(
            matches!(&e, BenchError::Interface(InterfaceError::Missing { interface, .. }) if interface == "nosuch0")
        );
        assert!(e.to_string().contains("nosuch0") && e.to_string().contains("there are"), "{e}");
    }

    #[test]
    fn only_real_interfaces_need_root_on_the_host() {
        assert_eq!(Wire::Veth.unmet_without_root(), None);
        assert!(wire("eth2", "eth3").unmet_without_root().unwrap().needs.contains("eth2 and eth3"));
    }
}
