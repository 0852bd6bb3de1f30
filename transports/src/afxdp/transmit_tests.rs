//! What goes in front of frames, against the kernel itself: a veth pair in a network namespace of the test's own. Its
//! frames are copied, and of such the kernel takes the same questions and stamps them by its own clock.

use std::{
    io::{self, Read},
    net::{Ipv4Addr, SocketAddrV4},
    os::fd::AsFd,
    thread,
    time::{Duration, Instant},
};

use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::{
    RouteNetlinkMessage,
    link::{InfoData, InfoKind, InfoVeth, LinkAttribute, LinkFlags, LinkInfo, LinkMessage},
};
use netlink_sys::protocols::NETLINK_ROUTE;
use nix::{
    errno::Errno,
    sched::{CloneFlags, unshare},
    setsockopt_impl, sockopt_impl,
    time::{ClockId, clock_gettime},
};
use socket2::{Domain, Protocol, Socket, Type};
use tickcert_results::time::Nanos;

use super::{
    abi,
    config::{Config, Copying},
    netdev,
    port::{AfXdpPort, open_socket},
    queue_ffi::Sending,
    refusal::Place,
    syscalls_ffi::XdpSocket,
    transmit_stamp::Request,
};
use crate::{
    api::{Link, OpenError, Role, SoftRdma, TxToken},
    netlink,
    raw::port::FramePort,
};

/// One that nobody else's frames have (IEEE 802, for local experiments), so that only the test's are seen.
const ETHERTYPE: u16 = 0x88b5;
pub(super) const SENDER: &str = "sender";
const RECEIVER: &str = "receiver";

sockopt_impl!(
    /// A `struct virtio_net_hdr` in front of what a packet socket receives.
    VnetHeader,
    SetOnly,
    libc::SOL_PACKET,
    libc::PACKET_VNET_HDR,
    bool
);

/// Has it tried on a thread that is alone in a new network namespace with a veth pair, or says what that needs.
pub(super) fn on_veth(what: &str, test: impl FnOnce() + Send) {
    thread::scope(|s| {
        let thread = s.spawn(|| match unshare(CloneFlags::CLONE_NEWNET) {
            Err(Errno::EPERM) => println!("SKIPPED: {what}: needs root"),
            Err(e) => panic!("a network namespace: {e}"),
            Ok(()) => match make_veth() {
                Err(e) if e.raw_os_error() == Some(libc::EOPNOTSUPP) => {
                    println!("SKIPPED: {what}: needs a kernel with veth");
                }
                made => {
                    made.unwrap();
                    test();
                }
            },
        });
        thread.join().unwrap();
    });
}

fn make_veth() -> io::Result<()> {
    let mut peer = LinkMessage::default();
    peer.attributes = vec![LinkAttribute::IfName(RECEIVER.to_owned())];
    let mut pair = LinkMessage::default();
    pair.attributes = vec![
        LinkAttribute::IfName(SENDER.to_owned()),
        LinkAttribute::LinkInfo(vec![
            LinkInfo::Kind(InfoKind::Veth),
            LinkInfo::Data(InfoData::Veth(InfoVeth::Peer(peer))),
        ]),
    ];
    netlink::ask(NETLINK_ROUTE, RouteNetlinkMessage::NewLink(pair), NLM_F_CREATE | NLM_F_EXCL)?;
    for name in [SENDER, RECEIVER] {
        let mut up = LinkMessage::default();
        up.header.index = index(name);
        up.header.flags = LinkFlags::Up;
        up.header.change_mask = LinkFlags::Up;
        netlink::ask(NETLINK_ROUTE, RouteNetlinkMessage::SetLink(up), 0)?;
    }
    Ok(())
}

pub(super) fn index(name: &str) -> u32 {
    nix::net::if_::if_nametoindex(name).unwrap()
}

/// The sending end with a question in front of each frame, and what receives at the other.
struct Wire {
    socket: XdpSocket,
    sending: Sending,
    receiver: Socket,
}

impl Wire {
    /// `None` where the kernel is too old, said as what was skipped.
    fn open(what: &str, request: Request) -> Option<Self> {
        let config = Config { send_ring: 64, receive_ring: Some(64), transmit_stamps: true, ..Config::default() };
        let place = Place { interface: SENDER, driver: "veth", config: &config };
        let (socket, _, sending) = match open_socket(&place, index(SENDER), 64, request) {
            Ok(opened) => opened,
            Err(OpenError::Unmet(unmet)) => {
                println!("SKIPPED: {what}: {unmet}");
                return None;
            }
            Err(e) => panic!("{e}"),
        };
        let receiver =
            Socket::new(Domain::PACKET, Type::RAW, Some(Protocol::from(i32::from(ETHERTYPE.to_be())))).unwrap();
        receiver.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        Some(Self { socket, sending, receiver })
    }

    fn send(&mut self, name: u32, frame: &[u8]) -> io::Result<()> {
        let queued = self.sending.queue(TxToken(name), frame.len(), |bytes| bytes.copy_from_slice(frame));
        queued.expect("the ring has room");
        self.socket.kick_sending()
    }

    fn receive(&mut self) -> Vec<u8> {
        let mut bytes = vec![0; 4096];
        let len = self.receiver.read(&mut bytes).expect("a frame comes within 20 seconds");
        bytes.truncate(len);
        bytes
    }

    /// Looks until all of `frames` are back.
    fn stamps(&mut self, frames: u64) -> Vec<(u32, u64)> {
        let (mut stamps, deadline) = (Vec::new(), Instant::now() + Duration::from_secs(20));
        while self.sending.coverage().is_some_and(|(_, back)| back < frames) {
            assert!(Instant::now() < deadline, "{:?} came back of {frames}", self.sending.coverage());
            self.sending.stamps(|name, at| stamps.push((name.0, at.raw())));
        }
        stamps
    }
}

/// Of `len` bytes, all different from the next ones.
fn frame(len: usize) -> Vec<u8> {
    let mut frame = vec![0xff; 12];
    frame.extend(ETHERTYPE.to_be_bytes());
    frame.extend((0_u8..=255).cycle().take(len - frame.len()));
    frame
}

/// The clock by which the kernel stamps what it has copied.
fn kernels_clock() -> u64 {
    let now = clock_gettime(ClockId::CLOCK_TAI).unwrap();
    u64::try_from(now.tv_sec() * 1_000_000_000 + now.tv_nsec()).unwrap()
}

#[test]
fn frames_cross_unharmed_behind_their_question_and_each_is_stamped_between_its_sending_and_its_return() {
    let what = "stamps of frames sent";
    on_veth(what, || {
        let Some(mut wire) = Wire::open(what, Request::stamp()) else { return };
        for (name, len) in (1_u32..).zip([60, 61, 512, 1514]) {
            let before = kernels_clock();
            wire.send(name, &frame(len)).unwrap();
            assert_eq!(wire.receive(), frame(len));
            let stamps = wire.stamps(name.into());
            let after = kernels_clock();
            let [(named, stamp)] = stamps[..] else { panic!("one frame, and {stamps:?}") };
            assert_eq!(named, name);
            assert!((before..=after).contains(&stamp), "{stamp} is not between {before} and {after}");
        }
        assert_eq!(wire.sending.coverage(), Some((4, 4)));
    });
}

#[test]
fn a_frame_that_asks_nothing_is_not_stamped() {
    let what = "no question";
    on_veth(what, || {
        let Some(mut wire) = Wire::open(what, Request::new(0, [0; 4])) else { return };
        wire.send(1, &frame(60)).unwrap();
        assert_eq!(wire.receive(), frame(60));
        assert_eq!((wire.stamps(1), wire.sending.coverage()), (Vec::new(), Some((0, 1))));
    });
}

#[test]
fn a_question_that_the_kernel_does_not_know_is_refused_and_the_frame_does_not_leave() {
    let what = "a wrong question";
    on_veth(what, || {
        let Some(mut wire) = Wire::open(what, Request::new(1 << 63, [0; 4])) else { return };
        assert_eq!(wire.send(1, &frame(60)).unwrap_err().raw_os_error(), Some(libc::EINVAL));
        wire.receiver.set_nonblocking(true).unwrap();
        let nothing = wire.receiver.read(&mut [0; 64]).unwrap_err();
        assert_eq!(nothing.kind(), io::ErrorKind::WouldBlock);
        assert_eq!(wire.sending.waiting(), 1);
    });
}

/// Of another question than ours, because what becomes of it is seen at the other end: that its details are read where
/// they were written shows where the answer will lie.
#[test]
fn a_checksum_asked_for_is_asked_of_who_receives_the_frame_at_the_very_place() {
    const FLAGS: u64 = libc::XDP_TXMD_FLAGS_CHECKSUM as u64;
    let what = "a checksum as question";
    on_veth(what, || {
        let [start, offset] = [34_u16, 6].map(u16::to_ne_bytes);
        let Some(mut wire) = Wire::open(what, Request::new(FLAGS, [start[0], start[1], offset[0], offset[1]])) else {
            return;
        };
        nix::sys::socket::setsockopt(&wire.receiver.as_fd(), VnetHeader, &true).unwrap();
        wire.send(1, &frame(200)).unwrap();
        let received = wire.receive();
        // `struct virtio_net_hdr` (`linux/virtio_net.h`): flags, of which the first bit says that a checksum is wanted,
        // five bytes of others, and where it begins and belongs.
        let (header, bytes) = received.split_at(10);
        assert_eq!((header[0] & 1, &header[6..8], &header[8..10]), (1, &start[..], &offset[..]));
        assert_eq!(bytes, frame(200));
    });
}

#[test]
fn the_lane_is_not_run_on_a_device_that_has_no_stamps_and_says_which_driver_that_is() {
    on_veth("a device without transmit stamps", || {
        let (exchange, trader) = (Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(10, 0, 0, 2));
        let link = Link {
            exchange_interface: SENDER.to_owned(),
            trader_interface: RECEIVER.to_owned(),
            ticks: SocketAddrV4::new(trader, 26_477),
            orders: SocketAddrV4::new(exchange, 26_478),
            trader: SocketAddrV4::new(trader, 26_479),
            is_virtual: true,
            exchange_mac: [0; 6],
            trader_mac: [0; 6],
            meeting: std::env::temp_dir(),
            same_host: true,
            packets_in_a_stall: 400,
            connect_timeout: Nanos::SECOND,
            stamping: None,
            soft_rdma: SoftRdma::NotMade,
        };
        let config = Config { transmit_stamps: true, copy: Copying::ZeroCopy, ..Config::default() };
        let Err(OpenError::Unmet(unmet)) = AfXdpPort::open(&config, &link, Role::Exchange) else {
            panic!("a veth has no transmit stamps")
        };
        let text = unmet.to_string();
        let parts: &[&str] = match netdev::transmit_features(index(SENDER)).unwrap() {
            Some(features) => {
                assert_eq!(features & abi::NETDEV_XSK_FLAGS_TX_TIMESTAMP, 0);
                &["transmit stamps", "veth", SENDER, "transmit_stamps = false"]
            }
            None => &["Linux 6.11", "transmit_stamps = false"],
        };
        for part in parts {
            assert!(text.contains(part), "`{part}` is missing in: {text}");
        }
    });
}
