//! Two network namespaces with a wire between them, in which the endpoints run, and nothing of it left behind.
//!
//! By default the wire is a veth pair in namespaces that have no name and are held by this process only, so that even
//! `kill -9` leaves nothing. With real interfaces every change to the host is in the undo [`journal`] before it is
//! made. [`lock`] keeps two runs from measuring at the same time; two benches can exist at the same time.

mod deferral;
mod ends;
mod error;
pub mod fitting;
pub mod huge_pages;
pub mod interfaces;
pub mod interrupts;
pub mod journal;
pub mod lock;
pub mod netlink;
pub mod netns;
mod one_end;
pub mod parent;
pub mod run_dir;
mod soft_rdma;
pub mod stamping;
pub mod steering;
mod tuning;
pub mod user_namespace;
mod veth;
pub mod wire;

use std::{
    net::{Ipv4Addr, SocketAddrV4},
    path::PathBuf,
};

use tickcert_results::{stamp::StampPolicy, time::Nanos};
use tickcert_transports::api::{Link, MacAddress, SoftRdma};

use ends::End;
pub use error::BenchError;
use journal::Journal;
use netns::Namespace;
pub use one_end::OneEnd;
use stamping::{Place, Preparation, Stamps};
pub use tuning::{Tuned, Tuning};
pub use wire::Wire;

/// Group and port that ticks are sent to.
const TICKS: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(239, 195, 1, 1), 26477);
/// Where the exchange listens for orders.
const ORDERS: SocketAddrV4 = SocketAddrV4::new(ends::EXCHANGE, 26478);
/// Where datagram orders come from.
const TRADER: SocketAddrV4 = SocketAddrV4::new(ends::TRADER, 26479);

/// The bench that is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BenchSpec {
    /// What the wire is made of.
    pub wire: Wire,
    /// How many packets must be able to wait so that a stall loses nothing.
    pub packets_in_a_stall: usize,
    /// How long to wait for a carrier, and for the other end when a lane opens.
    pub connect_timeout: Nanos,
    /// Folder of the undo journal; see [`run_dir::default_path`].
    pub run_dir: PathBuf,
    /// How both interfaces are to be.
    pub tuning: Tuning,
    /// What is wanted of hardware stamps.
    pub stamps: StampPolicy,
    /// Whether a lane does RDMA in software, so that a device for it is to be made.
    pub soft_rdma: bool,
}

impl Default for BenchSpec {
    fn default() -> Self {
        Self {
            wire: Wire::Veth,
            packets_in_a_stall: 6_000,
            connect_timeout: Nanos::SECOND * 10,
            run_dir: run_dir::default_path(),
            tuning: Tuning::default(),
            stamps: StampPolicy::default(),
            soft_rdma: false,
        }
    }
}

impl BenchSpec {
    /// The wire as both ends are told of it, from the names and hardware addresses of exchange and trader; until it is known
    /// better, a virtual one on one host.
    #[must_use]
    pub fn link(&self, [exchange_interface, trader_interface]: [String; 2], macs: [MacAddress; 2]) -> Link {
        let [exchange_mac, trader_mac] = macs;
        Link {
            exchange_interface,
            trader_interface,
            ticks: TICKS,
            orders: ORDERS,
            trader: TRADER,
            exchange_mac,
            trader_mac,
            meeting: PathBuf::new(),
            is_virtual: true,
            same_host: true,
            packets_in_a_stall: self.packets_in_a_stall,
            connect_timeout: self.connect_timeout,
            stamping: None,
            soft_rdma: SoftRdma::NotMade,
        }
    }
}

/// A bench that stands. Dropping it undoes every change to the host; what can't be undone stays in the journal for
/// `tickcert clean`. [`Bench::take_down`] does the same and says so.
#[derive(Debug)]
pub struct Bench {
    /// The wire, as both ends are told of it.
    pub link: Link,
    /// Where the exchange's namespace can be entered ([`netns::enter`]) while this lives.
    pub exchange_netns: PathBuf,
    /// Where the trader's can.
    pub trader_netns: PathBuf,
    /// How each interface is, the exchange's first.
    pub tuned: Vec<Tuned>,
    /// What stamps frames at its ends, and the clocks for that; what lanes are to take is in `link.stamping`.
    pub stamps: Stamps,
    // Undone before the namespaces are let go: fields are dropped in this order.
    undo: Undo,
    _exchange: Namespace,
    _trader: Namespace,
}

/// Undoes the journal in the namespace that the changes were made in.
#[derive(Debug)]
struct Undo {
    host: Namespace,
    journal: Journal,
}

impl Undo {
    fn now(&mut self) -> Result<(), BenchError> {
        let Self { host, journal } = self;
        // Nothing to undo is also all that there can be in a user namespace, from which the host's network namespace
        // can't be entered again.
        if journal.is_empty() {
            return Ok(());
        }
        Ok(host.run(|| journal.undo())??)
    }
}

impl Drop for Undo {
    fn drop(&mut self) {
        // Nobody can be told here; the journal stays where something could not be undone.
        let _ = self.now();
    }
}

impl Bench {
    /// Sets it up, from the network namespace of the calling thread.
    ///
    /// # Errors
    /// [`BenchError`]; everything done until then is undone.
    pub fn set_up(spec: &BenchSpec) -> Result<Self, BenchError> {
        // While the interfaces are still here.
        let is_virtual = spec.wire.virtual_because()?.is_some();
        let (exchange, trader) = (Namespace::create()?, Namespace::create()?);
        // Declared after the namespaces, so that a failure below undoes before it lets go of them.
        let mut undo = Undo { host: Namespace::current()?, journal: Journal::new(&spec.run_dir) };
        let mut tuned = Vec::new();
        // Neither may be set before it is known that it may be lent.
        spec.wire.check()?;
        let preparation = Preparation::begin(spec.stamps, &spec.wire, &mut undo.journal)?;
        let names = match &spec.wire {
            Wire::Veth => {
                let names = veth::unique_names();
                veth::create(&names, &exchange, &trader)?;
                for (namespace, name) in [(&exchange, &names.exchange), (&trader, &names.trader)] {
                    tuned.push(Tuned::of_namespace(namespace, name, spec.tuning)?);
                }
                names
            }
            Wire::Interfaces { exchange: e, trader: t, force } => {
                for interface in [e, t] {
                    tuned.push(Tuned::of_host(&mut undo.journal, interface, spec.tuning)?);
                }
                interfaces::lend(&mut undo.journal, &spec.run_dir, [e, t], [&exchange, &trader], *force)?;
                veth::Names { exchange: e.clone(), trader: t.clone() }
            }
            Wire::TwoHosts { .. } => return Err(BenchError::TwoHosts),
        };
        let macs = ends::connect(
            &End { namespace: &exchange, interface: &names.exchange, ip: ends::EXCHANGE },
            &End { namespace: &trader, interface: &names.trader, ip: ends::TRADER },
            spec.connect_timeout.into(),
        )?;
        let (stamping, stamps) = preparation.finish(
            &spec.wire,
            [
                Place { namespace: &exchange, address: ends::EXCHANGE },
                Place { namespace: &trader, address: ends::TRADER },
            ],
            &mut undo.journal,
        )?;
        let soft_rdma = if spec.soft_rdma {
            soft_rdma::make(&mut undo.journal, spec.connect_timeout.into())
        } else {
            SoftRdma::NotMade
        };
        let link = spec.link([names.exchange, names.trader], [macs.exchange, macs.trader]);
        let link = Link { is_virtual, stamping, soft_rdma, ..link };
        let (exchange_netns, trader_netns) = (exchange.path(), trader.path());
        Ok(Self { link, exchange_netns, trader_netns, tuned, stamps, undo, _exchange: exchange, _trader: trader })
    }

    /// Takes it down, and says what could not be undone.
    ///
    /// # Errors
    /// [`BenchError::Journal`].
    pub fn take_down(mut self) -> Result<(), BenchError> {
        self.undo.now()
    }
}
