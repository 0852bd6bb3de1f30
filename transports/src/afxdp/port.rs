//! The device below the framing: an AF_XDP socket on one queue of one interface, with its memory and rings.

use std::{
    io,
    net::UdpSocket,
    sync::Arc,
    time::{Duration, Instant},
};

use tickcert_results::stamp::{Stamp, StampClock};

use super::{
    abi::{self, xdp_desc},
    config::{Config, Copying, Mode},
    device_ffi::Device,
    netdev,
    program::{self, Attached},
    queue_ffi::{NotQueued, Receiving, Sending},
    refusal::{self, Place},
    ring_ffi::{self, Consumer, Producer},
    stamp,
    steer::Steer,
    syscalls_ffi::{RingKind, XdpSocket},
    transmit_stamp::{Request, Stamps},
    umem::Umem,
};
use crate::{
    api::{DROPPED, EndStamping, Link, OpenError, Role, RxMeta, TxError, TxToken},
    raw::port::{FramePort, FrameRx, FrameTx},
};

/// The kernel sends at most this many frames in one call (`TX_BATCH_SIZE` in `net/xdp/xsk.c`).
const KERNEL_BATCH: u32 = 32;

/// AF_XDP as a device.
pub struct AfXdpPort;

/// What both halves keep alive.
struct Common {
    socket: XdpSocket,
    _program: Attached,
    /// Keeps the group joined, so that NIC and switch let its frames through; nothing is read from it.
    _membership: Option<UdpSocket>,
    driver: String,
    config: Config,
    receive_entries: u32,
    /// Of the driver's stamps.
    clock: StampClock,
}

/// Receiving half.
pub struct XdpRx {
    queue: Receiving,
    common: Arc<Common>,
    busy_poll: bool,
}

/// Sending half.
pub struct XdpTx {
    queue: Sending,
    common: Arc<Common>,
    always_kick: bool,
    sent: u32,
}

impl FramePort for AfXdpPort {
    type Config = Config;
    type Rx = XdpRx;
    type Tx = XdpTx;

    fn open(config: &Config, link: &Link, role: Role) -> Result<(XdpRx, XdpTx), OpenError> {
        let interface = match role {
            Role::Exchange => &link.exchange_interface,
            Role::Trader => &link.trader_interface,
        };
        let device = Device::open(interface)?;
        let index = device.index().map_err(|e| refusal::no_interface(&e, interface))?;
        let driver = device.driver();
        let end = link.stamping.map(|stamping| stamping.of(role));
        let config = &with_stamps(config, end, index);
        let clock = end.and_then(|end| end.clock).unwrap_or(StampClock::Device);
        let place = Place { interface, driver: &driver, config };
        refusal::check_device(&place, device.queues(), device.mtu()?)?;
        if config.transmit_stamps {
            refusal::check_transmit_stamps(&place, netdev::transmit_features(index))?;
        }
        // Before anything else is asked for: that needs the most rights.
        let program = program::load(&place, index, Steer::new(link, role, config.orders))?;
        let receive_entries = config.receive_entries(link);
        let (socket, receiving, sending) = open_socket(&place, index, receive_entries, Request::stamp())?;
        let membership = join(link, role)?;
        let program = program.attach(&place, index, &socket)?;
        wait_for_carrier(&device, interface, link.connect_timeout.into())?;
        let common = Common {
            socket,
            _program: program,
            _membership: membership,
            driver,
            config: config.clone(),
            receive_entries,
            clock,
        };
        let common = Arc::new(common);
        let rx = XdpRx { queue: receiving, common: Arc::clone(&common), busy_poll: config.busy_poll };
        Ok((rx, XdpTx { queue: sending, common, always_kick: !config.need_wakeup, sent: 0 }))
    }
}

/// The settings, with the stamps that both the interface was seen to have and its driver has for AF_XDP: what can't be had is
/// done without here, and shows in the coverage. Those that the profile names are needed all the same.
fn with_stamps(config: &Config, end: Option<EndStamping>, index: u32) -> Config {
    let Some(end) = end else { return config.clone() };
    let can = |asked: io::Result<Option<u64>>, bit| asked.ok().flatten().is_some_and(|features| features & bit != 0);
    let receive = end.receive
        && config.mode == Mode::Native
        && can(netdev::receive_features(index), abi::NETDEV_XDP_RX_METADATA_TIMESTAMP);
    let transmit = end.transmit
        && config.copy == Copying::ZeroCopy
        && can(netdev::transmit_features(index), abi::NETDEV_XSK_FLAGS_TX_TIMESTAMP);
    Config {
        receive_stamps: config.receive_stamps || receive,
        transmit_stamps: config.transmit_stamps || transmit,
        ..config.clone()
    }
}

/// Stamps that may wait until somebody has time for them.
const MOST_WAITING: usize = 1 << 16;

/// A socket with its memory and rings, bound to the queue; with `transmit_stamps` the request goes before each frame.
pub(super) fn open_socket(
    place: &Place<'_>,
    index: u32,
    receive_entries: u32,
    request: Request,
) -> Result<(XdpSocket, Receiving, Sending), OpenError> {
    let config = place.config;
    let socket = XdpSocket::new().map_err(|e| refusal::no_socket(&e))?;
    let (umem, mut chunks) = Umem::new(config.chunk(), receive_entries + config.send_ring)?;
    let bytes = umem.memory().len();
    socket
        .register(umem.memory(), config.chunk(), config.before_sent())
        .map_err(|e| refusal::memory(&e, bytes, config.transmit_stamps))?;
    let umem = Arc::new(umem);
    let to_send = chunks.split_off(receive_entries as usize);

    let (memory, layout) = ring_ffi::map(&socket, RingKind::Fill, receive_entries)?;
    let fill = Producer::<u64>::new(memory, layout).ok_or_else(odd)?;
    let (memory, layout) = ring_ffi::map(&socket, RingKind::Completion, config.send_ring)?;
    let completed = Consumer::<u64>::new(memory, layout).ok_or_else(odd)?;
    let (memory, layout) = ring_ffi::map(&socket, RingKind::Rx, receive_entries)?;
    let received = Consumer::<xdp_desc>::new(memory, layout).ok_or_else(odd)?;
    let (memory, layout) = ring_ffi::map(&socket, RingKind::Tx, config.send_ring)?;
    let queued = Producer::<xdp_desc>::new(memory, layout).ok_or_else(odd)?;

    if config.busy_poll {
        poll_busily(&socket, config)?;
    }
    let copy = match config.copy {
        Copying::Copy => abi::XDP_COPY,
        Copying::ZeroCopy => abi::XDP_ZEROCOPY,
    };
    let wakeup = if config.need_wakeup { abi::XDP_USE_NEED_WAKEUP } else { 0 };
    // Filled before it is bound: some drivers take their first chunks then.
    let before = if config.receive_stamps { stamp::LENGTH } else { 0 };
    let receiving = Receiving::new(Arc::clone(&umem), fill, received, chunks, before);
    socket.bind(index, config.queue, copy | wakeup).map_err(|e| refusal::bind(&e, place))?;
    let stamps = config.transmit_stamps.then(|| Stamps::new(request, MOST_WAITING));
    Ok((socket, receiving, Sending::new(umem, queued, completed, to_send, stamps)))
}

fn odd() -> OpenError {
    io::Error::other("the kernel lays its AF_XDP rings out in a way that this program doesn't know").into()
}

fn poll_busily(socket: &XdpSocket, config: &Config) -> Result<(), OpenError> {
    // The kernel makes one pass over the queue for each call, however long it is allowed: the time is only on or off.
    const MICROSECONDS: u32 = 20;
    socket
        .set_option(abi::SO_PREFER_BUSY_POLL, u32::from(config.prefer_busy_poll))
        .and_then(|()| socket.set_option(abi::SO_BUSY_POLL, MICROSECONDS))
        .and_then(|()| socket.set_option(abi::SO_BUSY_POLL_BUDGET, u32::from(config.busy_poll_budget)))
        .map_err(|e| refusal::busy_poll(&e).into())
}

/// Joins the ticks' group on the trader's side.
pub(crate) fn join(link: &Link, role: Role) -> io::Result<Option<UdpSocket>> {
    if role != Role::Trader || !link.ticks.ip().is_multicast() {
        return Ok(None);
    }
    let explain =
        |e: io::Error| io::Error::new(e.kind(), format!("join {} on {}: {e}", link.ticks.ip(), link.trader.ip()));
    let socket = UdpSocket::bind((*link.trader.ip(), 0)).map_err(explain)?;
    socket.join_multicast_v4(link.ticks.ip(), link.trader.ip()).map_err(explain)?;
    Ok(Some(socket))
}

/// Many drivers take the link down for a moment when they get an XDP program.
pub(crate) fn wait_for_carrier(device: &Device, interface: &str, at_most: Duration) -> io::Result<()> {
    let until = Instant::now() + at_most;
    while !device.has_carrier()? {
        if Instant::now() >= until {
            let what = format!("{interface} has no carrier since it got its XDP program; is its cable's other end up?");
            return Err(io::Error::new(io::ErrorKind::TimedOut, what));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

/// Whether the device's clock is locked to another one the driver doesn't say.
#[inline]
fn meta(before: &[u8], clock: StampClock) -> RxMeta {
    RxMeta { hw: stamp::read(before).map(|at| Stamp::new(at, clock)), kernel: None }
}

impl FrameRx for XdpRx {
    #[inline]
    fn receive(&mut self, budget: u32, mut on_frame: impl FnMut(&[u8], RxMeta)) -> io::Result<u32> {
        let mut frames = 0;
        let clock = self.common.clock;
        while frames < budget && self.queue.next(|before, frame| on_frame(frame, meta(before, clock))) {
            frames += 1;
        }
        if frames > 0 {
            self.queue.settle();
        }
        // With busy polling nobody else may look at the device; without, only if the driver has run out of chunks.
        if (self.busy_poll && frames == 0) || self.queue.needs_wakeup() {
            match self.common.socket.kick_receiving() {
                Err(e) if !is_for_later(&e) => return Err(gone(&e, "receive")),
                _ => {}
            }
        }
        Ok(frames)
    }

    fn facts(&self, note: &mut dyn FnMut(&'static str, String)) {
        let Common { socket, driver, config, receive_entries, .. } = &*self.common;
        note("xdp_driver", driver.clone());
        note(
            "xdp_mode",
            match config.mode {
                Mode::Native => "native".to_owned(),
                Mode::Skb => "skb".to_owned(),
            },
        );
        let copies = socket.is_zero_copy().map(|zero_copy| if zero_copy { "no" } else { "yes" });
        note("xdp_kernel_copies", copies.map_or_else(|e| format!("unknown ({e})"), str::to_owned));
        note("xdp_queue", config.queue.to_string());
        note("xdp_receive_ring", format!("{receive_entries} frames of {} bytes", config.chunk()));
        if config.busy_poll {
            let (budget, prefer) = (config.busy_poll_budget, config.prefer_busy_poll);
            note("xdp_busy_poll", format!("{budget} frames in a pass, preferred: {prefer}"));
        }
        let stamps = if config.receive_stamps { "by the driver" } else { "not asked for" };
        note("xdp_receive_stamps", stamps.to_owned());
        match socket.without_room() {
            Ok(0) => {}
            Ok(frames) => {
                note(DROPPED, format!("{frames} frames: a larger `receive_ring` under [transport.afxdp] holds more"));
            }
            Err(e) => note("xdp_statistics", format!("unknown ({e})")),
        }
    }
}

impl FrameTx for XdpTx {
    #[inline]
    fn transmit(&mut self, len: usize, fill: impl FnOnce(&mut [u8])) -> Result<TxToken, TxError> {
        let name = TxToken(self.sent.wrapping_add(1));
        match self.queue.queue(name, len, fill) {
            Ok(()) => {
                self.sent = name.0;
                Ok(name)
            }
            Err(NotQueued::Full) => Err(TxError::Full),
            Err(NotQueued::TooLong) => Err(too_long(len, &self.common.config)),
        }
    }

    #[inline]
    fn kick(&mut self) -> Result<(), TxError> {
        let waiting = self.queue.waiting();
        if waiting == 0 || !(self.always_kick || self.queue.needs_wakeup()) {
            return Ok(());
        }
        // As many calls as the frames take, and no more: what there is no room for waits for the next kick.
        for _ in 0..=waiting / KERNEL_BATCH {
            match self.common.socket.kick_sending() {
                Ok(()) => return Ok(()),
                Err(e) if is_for_later(&e) => {}
                Err(e) => return Err(TxError::Io(gone(&e, "send"))),
            }
        }
        Err(TxError::Full)
    }

    fn stamps(&mut self, mut on_stamp: impl FnMut(TxToken, Stamp)) {
        let clock = self.common.clock;
        self.queue.stamps(|name, at| on_stamp(name, Stamp::new(at, clock)));
    }

    fn facts(&self, note: &mut dyn FnMut(&'static str, String)) {
        let stamps = match self.queue.coverage() {
            None => "not asked for".to_owned(),
            Some((came, returned)) => format!("by the driver: {came} of {returned} frames"),
        };
        note("xdp_send_stamps", stamps);
        note("xdp_send_ring", format!("{} frames", self.common.config.send_ring));
    }
}

#[cold]
fn too_long(len: usize, config: &Config) -> TxError {
    let room = config.chunk() as usize - config.before_sent();
    let what =
        format!("a frame of {len} bytes is longer than the {room} of a chunk, and several for one frame are not used");
    TxError::Io(io::Error::new(io::ErrorKind::InvalidInput, what))
}

/// Answers that mean: not now.
fn is_for_later(e: &io::Error) -> bool {
    matches!(e.raw_os_error(), Some(libc::EAGAIN | libc::EBUSY | libc::ENOBUFS | libc::EINTR))
}

#[cold]
fn gone(e: &io::Error, what: &str) -> io::Error {
    let hint = match e.raw_os_error() {
        Some(libc::ENETDOWN) => "; the interface was switched off: ip link set dev NAME up",
        Some(libc::ENXIO) => "; the interface or its queue is gone",
        _ => "",
    };
    io::Error::new(e.kind(), format!("{what} on the AF_XDP socket: {e}{hint}"))
}
