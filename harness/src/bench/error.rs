//! Why there is no bench.

use std::{error::Error, io};

use tickcert_transports::api::Unmet;

use super::{interfaces::InterfaceError, journal::JournalError, netlink::NetlinkError, netns::NamespaceError};

/// Why there is no bench; whatever had been set up is undone.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// No network namespace.
    #[error(transparent)]
    Namespace(#[from] NamespaceError),
    /// No interface, address or route.
    #[error(transparent)]
    Netlink(#[from] NetlinkError),
    /// A change to the host can't be written down, or not be undone.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A real interface that must not be used.
    #[error(transparent)]
    Interface(#[from] InterfaceError),
    /// The two ends don't hear each other.
    #[error(
        "no datagram crossed from {exchange} to {trader} in {waited_ms} ms: are the two cabled to each other, or to ports of one VLAN?"
    )]
    NotConnected {
        /// Interface of the exchange.
        exchange: String,
        /// Interface of the trader.
        trader: String,
        /// How long was tried.
        waited_ms: u128,
    },
    /// The end on this host doesn't hear the one on another.
    #[error(
        "no datagram from the other host came to {interface} in {waited_ms} ms: is it cabled to the exchange's interface, or to a port of its VLAN?"
    )]
    NotHeard {
        /// Interface of this host.
        interface: String,
        /// How long was tried.
        waited_ms: u128,
    },
    /// A wire that no single host can set up.
    #[error("an end of this wire is on another host")]
    TwoHosts,
    /// A socket for the trial datagram.
    #[error("the bench can't be tried with a datagram")]
    Trial(#[source] io::Error),
}

impl BenchError {
    /// As the reason of a `not-run` row.
    #[must_use]
    pub fn into_unmet(self) -> Unmet {
        let mut how = self.to_string();
        let mut cause = self.source();
        while let Some(e) = cause {
            // A transparent error repeats its source's text.
            if !how.contains(&e.to_string()) {
                how = format!("{how}: {e}");
            }
            cause = e.source();
        }
        Unmet { needs: "a bench of two connected network namespaces".into(), how }
    }
}
