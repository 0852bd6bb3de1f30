//! The device of `rdma-raw`: one queue pair that sends whole Ethernet frames, and one that receives those which rules steer to it,
//! for the lanes' own headers above. The kernel sees neither.

use std::{io, net::UdpSocket, path::Path};

use tickcert_results::stamp::Stamp;

use super::{
    config::{Config, Operation},
    device_ffi::Device,
    ports::{self, Port},
    receiver::Receiver,
    sender::Sender,
    setup::Setup,
    steer_ffi::{Rule, Steering},
};
use crate::{
    afxdp::port::join,
    api::{Link, OpenError, Role, RxMeta, TxError, TxToken, Unmet},
    raw::port::{FramePort, FrameRx, FrameTx},
};

/// A device that carries frames.
pub(super) enum RawPort {}

/// Receives those that are steered to it.
pub(super) struct RawReceiver {
    // Taken off before the queue pair that they lead to: fields are dropped in this order.
    _steering: Vec<Steering>,
    receiver: Receiver,
    about: Vec<(&'static str, String)>,
    /// Keeps the group joined, so that the interface lets its frames through; nothing is read from it.
    _membership: Option<UdpSocket>,
}

/// Sends frames.
pub(super) struct RawSender(Sender);

impl FramePort for RawPort {
    type Config = Config;
    type Rx = RawReceiver;
    type Tx = RawSender;

    fn open(config: &Config, link: &Link, role: Role) -> Result<(RawReceiver, RawSender), OpenError> {
        let device = Device::open(config, link, role, port(config, link, role)?)?;
        let sender = Sender::new(&device, Setup::new(config))?;
        let receives = config.receives(link.packets_in_a_stall);
        let receiver = Receiver::new(&device, Operation::Raw, receives, config.huge_pages)?;
        sender.connect_raw()?;
        receiver.connect_raw()?;
        let steer = |rule: Rule| Steering::new(receiver.queue_pair(), device.port.number(), rule);
        let steering = rules(link, role).into_iter().map(steer).collect::<Result<_, _>>()?;
        let mut about = Vec::new();
        device.facts(&mut |name, value| about.push((name, value)));
        let rx = RawReceiver { _steering: steering, receiver, about, _membership: join(link, role)? };
        Ok((rx, RawSender(sender)))
    }
}

/// The port that is named, or that of the bench's interface.
fn port(config: &Config, link: &Link, role: Role) -> Result<Port, OpenError> {
    let root = Path::new("/");
    let interface = match role {
        Role::Exchange => &link.exchange_interface,
        Role::Trader => &link.trader_interface,
    };
    match (config.device(role), ports::over_interface(root, interface)) {
        (Some(device), _) => Ok(Port::new(root, device, config.port)),
        (None, Some((device, number))) => Ok(Port::new(root, &device, number)),
        (None, None) => Err(Unmet {
            needs: format!("an RDMA device over {interface}"),
            how: "load the NIC's RDMA driver (ConnectX: modprobe mlx5_ib), or leave this lane out".to_owned(),
        }
        .into()),
    }
}

/// What is for this end: at the exchange orders, at the trader ticks and answers.
fn rules(link: &Link, role: Role) -> Vec<Rule> {
    match role {
        Role::Exchange => vec![Rule { mac: link.exchange_mac, to: link.orders }],
        Role::Trader => {
            let ticks = if link.ticks.ip().is_multicast() { group_mac(*link.ticks.ip()) } else { link.trader_mac };
            vec![Rule { mac: ticks, to: link.ticks }, Rule { mac: link.trader_mac, to: link.trader }]
        }
    }
}

/// The hardware address that a group's frames are for (RFC 1112, section 6.4).
fn group_mac(group: std::net::Ipv4Addr) -> [u8; 6] {
    let [_, b, c, d] = group.octets();
    [0x01, 0x00, 0x5e, b & 0x7f, c, d]
}

impl FrameRx for RawReceiver {
    #[inline]
    fn receive(&mut self, budget: u32, on_frame: impl FnMut(&[u8], RxMeta)) -> io::Result<u32> {
        self.receiver.poll(budget, on_frame)
    }

    fn facts(&self, note: &mut dyn FnMut(&'static str, String)) {
        self.about.iter().for_each(|(name, value)| note(name, value.clone()));
        note("frames_receive", self.receiver.describe());
    }
}

impl FrameTx for RawSender {
    #[inline]
    fn transmit(&mut self, len: usize, fill: impl FnOnce(&mut [u8])) -> Result<TxToken, TxError> {
        self.0.send(len, fill).map(TxToken)
    }

    /// Nothing is ever left to send.
    #[inline]
    fn kick(&mut self) -> Result<(), TxError> {
        Ok(())
    }

    fn stamps(&mut self, mut on_stamp: impl FnMut(TxToken, Stamp)) {
        self.0.take_stamps(|number, stamp| on_stamp(TxToken(number), stamp));
    }

    fn facts(&self, note: &mut dyn FnMut(&'static str, String)) {
        note("frames_send", self.0.describe());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_groups_frames_are_for_the_address_that_follows_from_it() {
        assert_eq!(group_mac(std::net::Ipv4Addr::new(239, 195, 1, 1)), [0x01, 0x00, 0x5e, 0x43, 0x01, 0x01]);
    }
}
