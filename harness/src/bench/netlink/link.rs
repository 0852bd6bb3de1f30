//! Interfaces.

use std::{
    os::fd::{AsFd, AsRawFd, BorrowedFd},
    time::{Duration, Instant},
};

use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::{
    RouteNetlinkMessage,
    link::{InfoData, InfoKind, InfoVeth, LinkAttribute, LinkFlags, LinkInfo, LinkMessage, LinkXdp},
};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::{Connection, NetlinkError};

/// An interface as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// Its number in its namespace.
    pub index: u32,
    /// Its name.
    pub name: String,
    /// Hardware address.
    pub mac: Vec<u8>,
    /// In bytes.
    pub mtu: u32,
    /// Switched on by the administrator.
    pub up: bool,
    /// Takes frames whatever address they are for, by its flag.
    pub promiscuous: bool,
    /// The XDP program on it, if any.
    pub xdp: Option<XdpProgram>,
    /// The wire is there, and so is the other end.
    pub carrier: bool,
    /// `veth`, `vlan`, `dummy`; none for a device. The kernel destroys those with a kind when their namespace goes, and
    /// hands the others back to the first namespace.
    pub kind: Option<String>,
}

/// An XDP program on an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct XdpProgram {
    /// The kernel's number of it.
    pub program: u32,
    /// Where it runs: the flag of `linux/if_link.h` that stands for the driver, the network stack, or the device.
    mode: u32,
}

impl XdpProgram {
    /// Of the attribute that has the program of one of the modes.
    fn read(said: &LinkXdp) -> Option<Self> {
        /// `XDP_FLAGS_SKB_MODE`, and those of driver and device behind it.
        const SKB: u32 = 1 << 1;
        match *said {
            LinkXdp::SkbProgId(program) => Some(Self { program, mode: SKB }),
            LinkXdp::DrvProgId(program) => Some(Self { program, mode: SKB << 1 }),
            LinkXdp::HwProgId(program) => Some(Self { program, mode: SKB << 2 }),
            _ => None,
        }
    }
}

impl Interface {
    fn read(message: LinkMessage) -> Self {
        let flags = message.header.flags;
        let mut interface = Self {
            index: message.header.index,
            name: String::new(),
            mac: Vec::new(),
            mtu: 0,
            up: flags.contains(LinkFlags::Up),
            promiscuous: flags.contains(LinkFlags::Promisc),
            xdp: None,
            carrier: flags.contains(LinkFlags::LowerUp),
            kind: None,
        };
        for attribute in message.attributes {
            match attribute {
                LinkAttribute::IfName(name) => interface.name = name,
                LinkAttribute::Address(mac) => interface.mac = mac,
                LinkAttribute::Mtu(mtu) => interface.mtu = mtu,
                LinkAttribute::Xdp(said) => interface.xdp = said.iter().find_map(XdpProgram::read),
                LinkAttribute::LinkInfo(infos) => {
                    interface.kind = infos.into_iter().find_map(|info| match info {
                        LinkInfo::Kind(kind) => Some(kind.to_string()),
                        _ => None,
                    });
                }
                _ => {}
            }
        }
        interface
    }
}

/// The multicast group of netlink that tells of changes to interfaces (`linux/rtnetlink.h`, `RTNLGRP_LINK`).
const LINK_CHANGES: u32 = 1;

impl Connection {
    /// The interface of this name.
    ///
    /// # Errors
    /// [`NetlinkError`], with `ENODEV` where there is none.
    pub fn interface(&mut self, name: &str) -> Result<Interface, NetlinkError> {
        let mut message = LinkMessage::default();
        message.attributes = vec![LinkAttribute::IfName(name.to_owned())];
        let what = format!("look up interface {name}");
        let found = self.exchange(&what, RouteNetlinkMessage::GetLink(message), netlink_packet_core::NLM_F_ACK)?;
        let link = found.into_iter().find_map(|m| match m {
            RouteNetlinkMessage::NewLink(link) => Some(Interface::read(link)),
            _ => None,
        });
        link.ok_or_else(|| NetlinkError::Refused { what, source: std::io::Error::from_raw_os_error(libc::ENODEV) })
    }

    /// All interfaces of the namespace.
    ///
    /// # Errors
    /// [`NetlinkError`].
    pub fn interfaces(&mut self) -> Result<Vec<Interface>, NetlinkError> {
        let all = self.dump("list the interfaces", RouteNetlinkMessage::GetLink(LinkMessage::default()))?;
        Ok(all
            .into_iter()
            .filter_map(|m| match m {
                RouteNetlinkMessage::NewLink(link) => Some(Interface::read(link)),
                _ => None,
            })
            .collect())
    }

    /// Makes a veth pair: `name` here, `peer` in the namespace of `peer_namespace`.
    ///
    /// # Errors
    /// [`NetlinkError`].
    pub fn create_veth(
        &mut self,
        name: &str,
        peer: &str,
        peer_namespace: BorrowedFd<'_>,
        mtu: u32,
    ) -> Result<(), NetlinkError> {
        let mut peer_message = LinkMessage::default();
        peer_message.attributes = vec![
            LinkAttribute::IfName(peer.to_owned()),
            LinkAttribute::Mtu(mtu),
            LinkAttribute::NetNsFd(peer_namespace.as_raw_fd()),
        ];
        let mut message = LinkMessage::default();
        message.attributes = vec![
            LinkAttribute::IfName(name.to_owned()),
            LinkAttribute::Mtu(mtu),
            LinkAttribute::LinkInfo(vec![
                LinkInfo::Kind(InfoKind::Veth),
                LinkInfo::Data(InfoData::Veth(InfoVeth::Peer(peer_message))),
            ]),
        ];
        let what = format!("make the veth pair {name} and {peer}");
        self.act(&what, RouteNetlinkMessage::NewLink(message), NLM_F_CREATE | NLM_F_EXCL)
    }

    /// Makes a dummy interface: one of Ethernet, always with its carrier, that leads nowhere.
    ///
    /// # Errors
    /// [`NetlinkError`].
    pub fn create_dummy(&mut self, name: &str, mtu: u32) -> Result<(), NetlinkError> {
        let mut message = LinkMessage::default();
        message.attributes = vec![
            LinkAttribute::IfName(name.to_owned()),
            LinkAttribute::Mtu(mtu),
            LinkAttribute::LinkInfo(vec![LinkInfo::Kind(InfoKind::Dummy)]),
        ];
        let what = format!("make the dummy interface {name}");
        self.act(&what, RouteNetlinkMessage::NewLink(message), NLM_F_CREATE | NLM_F_EXCL)
    }

    /// Removes an interface that was made.
    ///
    /// # Errors
    /// [`NetlinkError`].
    pub fn delete(&mut self, interface: &Interface) -> Result<(), NetlinkError> {
        let mut message = LinkMessage::default();
        message.header.index = interface.index;
        let what = format!("remove the interface {}", interface.name);
        self.act(&what, RouteNetlinkMessage::DelLink(message), 0)
    }

    /// Switches an interface on or off.
    ///
    /// # Errors
    /// [`NetlinkError`].
    pub fn set_up(&mut self, interface: &Interface, up: bool) -> Result<(), NetlinkError> {
        let mut message = LinkMessage::default();
        message.header.index = interface.index;
        message.header.flags = if up { LinkFlags::Up } else { LinkFlags::empty() };
        message.header.change_mask = LinkFlags::Up;
        let what = format!("set {} {}", interface.name, if up { "up" } else { "down" });
        self.act(&what, RouteNetlinkMessage::SetLink(message), 0)
    }

    /// Makes an interface take frames whatever address they are for, or not.
    ///
    /// # Errors
    /// [`NetlinkError`].
    pub fn set_promiscuous(&mut self, interface: &Interface, promiscuous: bool) -> Result<(), NetlinkError> {
        let mut message = LinkMessage::default();
        message.header.index = interface.index;
        message.header.flags = if promiscuous { LinkFlags::Promisc } else { LinkFlags::empty() };
        message.header.change_mask = LinkFlags::Promisc;
        let what = format!("switch promiscuous mode of {} {}", interface.name, if promiscuous { "on" } else { "off" });
        self.act(&what, RouteNetlinkMessage::SetLink(message), 0)
    }

    /// Takes an XDP program off an interface.
    ///
    /// # Errors
    /// [`NetlinkError`], with `EBUSY` where it hangs on a BPF link.
    pub fn take_off(&mut self, interface: &Interface, xdp: XdpProgram) -> Result<(), NetlinkError> {
        let what = format!("take the XDP program {} off {}", xdp.program, interface.name);
        self.set_attribute(&what, interface, LinkAttribute::Xdp(vec![LinkXdp::Fd(-1), LinkXdp::Flags(xdp.mode)]))
    }

    /// Sets the MTU, in bytes.
    ///
    /// # Errors
    /// [`NetlinkError`].
    pub fn set_mtu(&mut self, interface: &Interface, mtu: u32) -> Result<(), NetlinkError> {
        let what = format!("set the MTU of {} to {mtu}", interface.name);
        self.set_attribute(&what, interface, LinkAttribute::Mtu(mtu))
    }

    /// Moves an interface into another network namespace; it arrives switched off and without addresses.
    ///
    /// # Errors
    /// [`NetlinkError`].
    pub fn move_to(&mut self, interface: &Interface, namespace: BorrowedFd<'_>) -> Result<(), NetlinkError> {
        let what = format!("move {} to another network namespace", interface.name);
        self.set_attribute(&what, interface, LinkAttribute::NetNsFd(namespace.as_raw_fd()))
    }

    fn set_attribute(
        &mut self,
        what: &str,
        interface: &Interface,
        attribute: LinkAttribute,
    ) -> Result<(), NetlinkError> {
        let mut message = LinkMessage::default();
        message.header.index = interface.index;
        message.attributes = vec![attribute];
        self.act(what, RouteNetlinkMessage::SetLink(message), 0)
    }

    /// Whether the namespace has an interface of this name.
    ///
    /// # Errors
    /// [`NetlinkError`] of any other kind.
    pub fn is_here(&mut self, name: &str) -> Result<bool, NetlinkError> {
        match self.interface(name) {
            Ok(_) => Ok(true),
            Err(e) if e.errno() == Some(libc::ENODEV) => Ok(false),
            Err(e) => Err(e),
        }
    }

    /// Waits until it has; false when it hasn't by then.
    ///
    /// # Errors
    /// [`NetlinkError`].
    pub fn wait_until_here(&mut self, name: &str, at_most: Duration) -> Result<bool, NetlinkError> {
        self.wait_for_change(at_most, |connection| Ok(connection.is_here(name)?.then_some(())))
            .map(|here| here.is_some())
    }

    /// Waits until the interface has its carrier.
    ///
    /// # Errors
    /// [`NetlinkError::NoCarrier`] when it hasn't by then.
    pub fn wait_for_carrier(&mut self, name: &str, at_most: Duration) -> Result<Interface, NetlinkError> {
        let up = self.wait_for_change(at_most, |connection| {
            let interface = connection.interface(name)?;
            Ok(interface.carrier.then_some(interface))
        })?;
        up.ok_or_else(|| NetlinkError::NoCarrier { interface: name.into(), waited_ms: at_most.as_millis() })
    }

    /// Looks each time that the kernel tells of a change to an interface, until there is what is looked for.
    fn wait_for_change<T>(
        &mut self,
        at_most: Duration,
        mut look: impl FnMut(&mut Self) -> Result<Option<T>, NetlinkError>,
    ) -> Result<Option<T>, NetlinkError> {
        let failed = |source| NetlinkError::Socket { what: "wait for a change to an interface".into(), source };
        // Listening starts before the first look, so that no change falls between the two.
        let changes = Self::open()?;
        changes.socket.set_non_blocking(true).map_err(failed)?;
        changes.socket.add_membership(LINK_CHANGES).map_err(failed)?;
        let until = Instant::now() + at_most;
        loop {
            while changes.socket.recv_from_full().is_ok() {}
            if let Some(found) = look(self)? {
                return Ok(Some(found));
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(None);
            }
            // Some changes are told late or merged with others: look again now and then.
            let timeout = PollTimeout::try_from(left.min(Duration::from_millis(200))).unwrap_or(PollTimeout::ZERO);
            poll(&mut [PollFd::new(changes.socket.as_fd(), PollFlags::POLLIN)], timeout)
                .map_err(|errno| failed(errno.into()))?;
        }
    }
}
