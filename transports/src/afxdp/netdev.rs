//! What the kernel says of a device's AF_XDP, by generic netlink in the calling thread's network namespace.

use std::io;

use netlink_packet_core::{
    DecodeError, DefaultNla, Emitable, NLM_F_ACK, NLM_F_REQUEST, NetlinkDeserializable, NetlinkHeader, NetlinkMessage,
    NetlinkPayload, NetlinkSerializable, Nla, NlasIterator, Parseable,
};
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_GENERIC};

use super::abi;

/// The family, as the kernel wants its name; its number is the kernel's to choose.
const FAMILY: &[u8] = b"netdev\0";
/// The family that knows the others (`linux/genetlink.h`), its question, and the attributes of its answer.
const CONTROLLER: u16 = 0x10;
const GET_FAMILY: u8 = 3;
const FAMILY_ID: u16 = 1;
const FAMILY_NAME: u16 = 2;
/// Of both families.
const VERSION: u8 = 1;

/// What AF_XDP may ask of the driver for each frame sent, as bits; `None` where the kernel is too old to know.
///
/// # Errors
/// `ENODEV` where there is no interface of that number, and whatever fails of the socket.
pub(super) fn transmit_features(interface: u32) -> io::Result<Option<u64>> {
    feature(interface, abi::NETDEV_A_DEV_XSK_FEATURES)
}

/// An attribute of 64 bits that the kernel has for a device.
pub(super) fn feature(interface: u32, attribute: u16) -> io::Result<Option<u64>> {
    let Some(family) = family()? else { return Ok(None) };
    let attributes = vec![DefaultNla::new(abi::NETDEV_A_DEV_IFINDEX, interface.to_ne_bytes().to_vec())];
    let question = Generic { family, command: abi::NETDEV_CMD_DEV_GET, attributes };
    let answers = ask(NETLINK_GENERIC, question, 0)?;
    Ok(value(&answers, attribute).map(u64::from_ne_bytes))
}

/// The family's number; `None` where the kernel has no such family.
fn family() -> io::Result<Option<u16>> {
    let attributes = vec![DefaultNla::new(FAMILY_NAME, FAMILY.to_vec())];
    match ask(NETLINK_GENERIC, Generic { family: CONTROLLER, command: GET_FAMILY, attributes }, 0) {
        Ok(answers) => Ok(value(&answers, FAMILY_ID).map(u16::from_ne_bytes)),
        Err(e) if e.raw_os_error() == Some(libc::ENOENT) => Ok(None),
        Err(e) => Err(e),
    }
}

/// The first attribute of that kind and length.
fn value<const LENGTH: usize>(answers: &[Generic], kind: u16) -> Option<[u8; LENGTH]> {
    let mut attributes = answers.iter().flat_map(|answer| &answer.attributes);
    attributes.find_map(|attribute| {
        let mut bytes = [0; LENGTH];
        (attribute.kind() == kind && attribute.value_len() == LENGTH).then(|| attribute.emit_value(&mut bytes))?;
        Some(bytes)
    })
}

/// Asks the kernel, and collects what it says up to its acknowledgement.
pub(super) fn ask<M>(protocol: isize, question: M, flags: u16) -> io::Result<Vec<M>>
where
    M: NetlinkSerializable + NetlinkDeserializable,
{
    let mut socket = Socket::new(protocol)?;
    socket.bind_auto()?;
    socket.connect(&SocketAddr::new(0, 0))?;
    let mut header = NetlinkHeader::default();
    header.flags = NLM_F_REQUEST | NLM_F_ACK | flags;
    let mut request = NetlinkMessage::new(header, NetlinkPayload::InnerMessage(question));
    request.finalize();
    let mut bytes = vec![0; request.buffer_len()];
    request.serialize(&mut bytes);
    socket.send(&bytes, 0)?;
    let mut answers = Vec::new();
    loop {
        let (datagram, _) = socket.recv_from_full()?;
        if take(&datagram, &mut answers)? {
            return Ok(answers);
        }
    }
}

/// Takes the messages of a datagram; true when the acknowledgement was among them.
fn take<M: NetlinkDeserializable>(datagram: &[u8], answers: &mut Vec<M>) -> io::Result<bool> {
    let mut rest = datagram;
    while !rest.is_empty() {
        let message = NetlinkMessage::<M>::deserialize(rest).map_err(io::Error::other)?;
        let length = usize::try_from(message.header.length).unwrap_or(usize::MAX).next_multiple_of(4);
        rest = rest.get(length.max(1)..).unwrap_or_default();
        match message.payload {
            NetlinkPayload::InnerMessage(answer) => answers.push(answer),
            NetlinkPayload::Error(e) if e.code.is_none() => return Ok(true),
            NetlinkPayload::Error(e) => return Err(e.to_io()),
            _ => {}
        }
    }
    Ok(false)
}

/// A message of generic netlink: what is said of which family, and its attributes.
#[derive(Debug, PartialEq, Eq)]
struct Generic {
    family: u16,
    command: u8,
    attributes: Vec<DefaultNla>,
}

/// `struct genlmsghdr` of `linux/genetlink.h`: command, version, and two bytes for later.
const HEADER: usize = 4;

impl NetlinkSerializable for Generic {
    fn message_type(&self) -> u16 {
        self.family
    }

    fn buffer_len(&self) -> usize {
        HEADER + self.attributes.as_slice().buffer_len()
    }

    fn serialize(&self, buffer: &mut [u8]) {
        let Some((header, attributes)) = buffer.split_first_chunk_mut::<HEADER>() else { return };
        *header = [self.command, VERSION, 0, 0];
        self.attributes.as_slice().emit(attributes);
    }
}

impl NetlinkDeserializable for Generic {
    type Error = DecodeError;

    fn deserialize(header: &NetlinkHeader, payload: &[u8]) -> Result<Self, DecodeError> {
        let Some(([command, ..], attributes)) = payload.split_first_chunk::<HEADER>() else {
            return Err("a message of generic netlink without its header".into());
        };
        let attributes =
            NlasIterator::new(attributes).map(|attribute| DefaultNla::parse(&attribute?)).collect::<Result<_, _>>()?;
        Ok(Self { family: header.message_type, command: *command, attributes })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn message(attributes: Vec<DefaultNla>) -> Vec<u8> {
        let inner = Generic { family: 30, command: 1, attributes };
        let mut message = NetlinkMessage::new(NetlinkHeader::default(), NetlinkPayload::InnerMessage(inner));
        message.finalize();
        let mut bytes = vec![0; message.buffer_len()];
        message.serialize(&mut bytes);
        bytes
    }

    /// What is heard in a datagram of the kernel's.
    fn heard(datagram: &[u8]) -> io::Result<Vec<Generic>> {
        let mut answers = Vec::new();
        take(datagram, &mut answers).map(|_| answers)
    }

    #[test]
    fn the_loopback_has_no_transmit_stamps_and_what_is_no_interface_no_answer() {
        let loopback = nix::net::if_::if_nametoindex("lo").unwrap();
        match transmit_features(loopback).unwrap() {
            Some(features) => assert_eq!(features, 0),
            None => println!("SKIPPED: a device's AF_XDP features: needs Linux 6.8"),
        }
        if let Err(e) = transmit_features(u32::MAX >> 1) {
            assert_eq!(e.raw_os_error(), Some(libc::ENODEV));
        }
    }

    #[test]
    fn a_family_that_the_kernel_has_not_is_no_failure() {
        let attributes = vec![DefaultNla::new(FAMILY_NAME, b"no-such\0".to_vec())];
        let refused = ask(NETLINK_GENERIC, Generic { family: CONTROLLER, command: GET_FAMILY, attributes }, 0);
        assert_eq!(refused.unwrap_err().raw_os_error(), Some(libc::ENOENT));
    }

    #[test]
    fn an_attribute_is_found_by_kind_and_length_and_an_answer_without_it_is_an_old_kernels() {
        let (interface, features) = (3_u32.to_ne_bytes().to_vec(), 5_u64.to_ne_bytes().to_vec());
        let kind = abi::NETDEV_A_DEV_XSK_FEATURES;
        let old = heard(&message(vec![DefaultNla::new(1, interface.clone())])).unwrap();
        assert_eq!(value::<8>(&old, kind), None);
        let new = heard(&message(vec![DefaultNla::new(1, interface), DefaultNla::new(kind, features)])).unwrap();
        assert_eq!(value(&new, kind).map(u64::from_ne_bytes), Some(5));
        assert_eq!(value::<4>(&new, kind), None);
    }

    proptest! {
        #[test]
        fn arbitrary_answers_cause_no_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = heard(&bytes);
            // And where netlink's own header is right.
            let mut framed = message(Vec::new());
            framed.extend(&bytes);
            let length = u32::try_from(framed.len()).unwrap();
            framed[..4].copy_from_slice(&length.to_ne_bytes());
            let _ = heard(&framed);
        }
    }
}
