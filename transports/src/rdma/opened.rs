//! An end opened: the device found, a queue pair for each stream, connected with the other end's.

use std::{path::Path, sync::Arc};

use tickcert_results::certificate::OrderChannel;

use super::{
    config::{Config, Connect, Operation},
    device_ffi::{self, Device},
    halves::{In, Out, RdmaRx, RdmaTx, StreamsIn, StreamsOut},
    managed::{self, Managed},
    meet::{Connection, Hello, Meeting, StreamEnd},
    ports::{self, Port},
    queue_ffi::Queue,
    raw_port::RawPort,
    receiver::Receiver,
    refusal,
    sender::Sender,
    setup::Setup,
    way::Way,
};
use crate::{
    api::{Link, OpenError, Role, SoftRdma, Unmet},
    raw::{self, Framing},
};

/// Answers that can wait: a trader looks for them when it has time.
const ANSWERS: u32 = 512;
/// What a frame of a lane may have, which one packet of datagrams must carry (an Ethernet payload without IP and UDP).
const LONGEST_FRAME: u32 = 1472;

/// Whether the libraries are here; nothing is opened.
///
/// # Errors
/// [`Unmet`], with what to install.
pub(super) fn preflight() -> Result<(), Unmet> {
    device_ffi::libraries()
}

/// Both halves of this end.
///
/// # Errors
/// As [`crate::api::Transport::open`].
pub(super) fn open(config: &Config, link: &Link, role: Role) -> Result<(RdmaRx, RdmaTx), OpenError> {
    if config.operation == Operation::Raw {
        let framing = Framing { vlan: None, orders: OrderChannel::Datagram };
        let (rx, tx) = raw::open::<RawPort>(config, framing, link, role)?;
        return Ok((RdmaRx(In::Frames(rx)), RdmaTx(Out::Frames(tx))));
    }
    let device = Device::open(config, link, role, port(config, link, role)?)?;
    if config.operation == Operation::Ud && device.mtu < LONGEST_FRAME {
        let interface = device.port.interface().unwrap_or_default();
        return Err(
            refusal::mtu(device.port.device(), device.mtu, LONGEST_FRAME.next_power_of_two(), &interface).into()
        );
    }
    let mut streams = Streams::new(&device, config, link, role)?;
    let mut meeting = Meeting::new(link, config.control, role)?;
    let own = streams.hello(&device, config);
    let other: Hello = meeting.exchange(&own)?;
    own.check(&other)?;
    let ways = ways(&device, config, &other);
    let managed = match config.connect {
        Connect::Exchange => None,
        Connect::Cm => {
            let [ticks, orders, answers] = streams.all();
            let [a, b, c] = ways;
            Some(managed::connect(&device, link, role, [(&*ticks, a), (&*orders, b), (&*answers, c)], &mut meeting)?)
        }
    };
    for ((stream, way), end) in streams.all().into_iter().zip(&ways).zip(&other.streams) {
        stream.connect(&device, managed.is_none().then_some(way), end)?;
    }
    // Only now: who sends before the other end is ready is asked to come again, or loses.
    let connection = Arc::new(meeting.settle()?);
    Ok(streams.halves(&connection, managed, facts(&device, config)))
}

/// To the other end's queue pairs, one for each stream.
fn ways(device: &Device, config: &Config, other: &Hello) -> [Way; 3] {
    other.streams.map(|end| Way {
        queue: end.queue,
        first_packet: end.first_packet,
        gid: other.gid,
        own_gid_index: device.gid.index,
        mtu: device.mtu.min(other.mtu),
        service_level: config.service_level,
        traffic_class: config.traffic_class,
    })
}

/// The port of this end: that of the settings, or of the device that was made for the run.
pub(super) fn port(config: &Config, link: &Link, role: Role) -> Result<Port, OpenError> {
    let root = Path::new("/");
    if let Some(device) = config.device(role) {
        if link.same_host && !ports::is_software(root, device) {
            return Err(no_wire(device).into());
        }
        return Ok(Port::new(root, device, config.port));
    }
    match &link.soft_rdma {
        SoftRdma::Over(interface) => match ports::over_interface(root, interface) {
            Some((device, number)) => Ok(Port::new(root, &device, number)),
            None => Err(Unmet {
                needs: format!("the soft-RoCE device over {interface}, which is there no more"),
                how: "leave it alone while tickcert runs (`rdma link` lists it)".to_owned(),
            }
            .into()),
        },
        SoftRdma::Refused(unmet) => Err(unmet.clone().into()),
        SoftRdma::NotMade => Err(Unmet {
            needs: "an RDMA device for each end; one in software is made only where both are on one host".to_owned(),
            how: "name both under [transport.rdma]: exchange_device = \"mlx5_0\", trader_device = \"mlx5_0\" (each is its own host's)".to_owned(),
        }
        .into()),
    }
}

/// In one network namespace the kernel resolves an address of its own host to the sender's own hardware address, so that a NIC
/// would look for the other end within itself.
fn no_wire(device: &str) -> Unmet {
    Unmet {
        needs: format!("a wire between the ends: from {device} to another device of the same host frames take none, since the kernel resolves addresses of its own to the sending NIC"),
        how: "run the trader's end on another host (trader_host under [bench], control under [transport.rdma]), or neither device for soft-RoCE".to_owned(),
    }
}

/// One end of a stream, whichever way it goes.
pub(super) trait Stream {
    /// What the other end is to know of it.
    fn end(&self) -> StreamEnd;

    /// Connects it with the other end's; `way` is none where the queue pair is up already.
    ///
    /// # Errors
    /// As [`Queue::connect`].
    fn connect(&mut self, device: &Device, way: Option<&Way>, other: &StreamEnd) -> Result<(), OpenError>;

    /// Its queue pair.
    fn queue(&self) -> &Queue;

    /// Tells it whom to look for when nothing goes any more.
    fn watch(&mut self, connection: Arc<Connection>);
}

/// The streams of an end, each with a queue pair.
enum Streams {
    Exchange { ticks: Sender, orders: Receiver, answers: Sender },
    Trader { ticks: Receiver, orders: Sender, answers: Receiver },
}

impl Streams {
    fn new(device: &Device, config: &Config, link: &Link, role: Role) -> Result<Self, OpenError> {
        let sends = || Sender::new(device, Setup::new(config));
        let receives = |count| Receiver::new(device, config.operation, count, config.huge_pages);
        let in_a_stall = config.receives(link.packets_in_a_stall);
        Ok(match role {
            Role::Exchange => Self::Exchange { ticks: sends()?, orders: receives(in_a_stall)?, answers: sends()? },
            Role::Trader => {
                let answers = receives(ANSWERS.min(in_a_stall))?;
                Self::Trader { ticks: receives(in_a_stall)?, orders: sends()?, answers }
            }
        })
    }

    /// Ticks, orders, answers.
    fn all(&mut self) -> [&mut dyn Stream; 3] {
        match self {
            Self::Exchange { ticks, orders, answers } => [ticks, orders, answers],
            Self::Trader { ticks, orders, answers } => [ticks, orders, answers],
        }
    }

    fn hello(&mut self, device: &Device, config: &Config) -> Hello {
        Hello {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            operation: config.operation,
            connect: config.connect,
            gid: device.gid.bytes,
            mtu: device.mtu,
            streams: self.all().map(|stream| stream.end()),
        }
    }

    fn halves(
        mut self,
        connection: &Arc<Connection>,
        managed: Option<Managed>,
        about: Vec<(&'static str, String)>,
    ) -> (RdmaRx, RdmaTx) {
        self.all().into_iter().for_each(|stream| stream.watch(Arc::clone(connection)));
        let (rx, tx) = match self {
            Self::Exchange { ticks, orders, answers } => (
                StreamsIn { ticks: None, orders, about, _managed: managed },
                StreamsOut { ticks: Some(ticks), orders: answers },
            ),
            Self::Trader { ticks, orders, answers } => (
                StreamsIn { ticks: Some(ticks), orders: answers, about, _managed: managed },
                StreamsOut { ticks: None, orders },
            ),
        };
        (RdmaRx(In::Streams(rx)), RdmaTx(Out::Streams(tx)))
    }
}

fn facts(device: &Device, config: &Config) -> Vec<(&'static str, String)> {
    let mut about = Vec::new();
    device.facts(&mut |name, value| about.push((name, value)));
    about.push((
        "rdma_connected_by",
        match config.connect {
            Connect::Exchange => "an exchange of numbers on the control channel".to_owned(),
            Connect::Cm => "rdma_cm".to_owned(),
        },
    ));
    about
}
