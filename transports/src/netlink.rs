//! The kernel asked by netlink, in the calling thread's network namespace.

use std::io;

use netlink_packet_core::{
    DecodeError, DefaultNla, Emitable, NLA_TYPE_MASK, NLM_F_ACK, NLM_F_REQUEST, NetlinkDeserializable, NetlinkHeader,
    NetlinkMessage, NetlinkPayload, NetlinkSerializable, Nla, NlasIterator, Parseable,
};
use netlink_sys::{Socket, SocketAddr};

/// A message as the families have them: of some type, with a header of the family's own, then attributes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Message<const HEADER: usize> {
    pub(crate) kind: u16,
    pub(crate) header: [u8; HEADER],
    pub(crate) attributes: Vec<DefaultNla>,
}

impl<const HEADER: usize> Message<HEADER> {
    /// The contents of its first attribute of that type.
    pub(crate) fn value(&self, kind: u16) -> Option<Vec<u8>> {
        value(&self.attributes, kind)
    }
}

/// The contents of the first attribute of that type; two bits at the top of an attribute's type are no part of it.
fn value(attributes: &[DefaultNla], kind: u16) -> Option<Vec<u8>> {
    let found = attributes.iter().find(|attribute| attribute.kind() & NLA_TYPE_MASK == kind)?;
    let mut bytes = vec![0; found.value_len()];
    found.emit_value(&mut bytes);
    Some(bytes)
}

fn attributes(bytes: &[u8]) -> Result<Vec<DefaultNla>, DecodeError> {
    NlasIterator::new(bytes).map(|attribute| DefaultNla::parse(&attribute?)).collect()
}

/// The contents of the first attribute of that type among those that are the contents of another.
pub(crate) fn nested(bytes: &[u8], kind: u16) -> io::Result<Option<Vec<u8>>> {
    Ok(value(&attributes(bytes).map_err(io::Error::other)?, kind))
}

impl<const HEADER: usize> NetlinkSerializable for Message<HEADER> {
    fn message_type(&self) -> u16 {
        self.kind
    }

    fn buffer_len(&self) -> usize {
        HEADER + self.attributes.as_slice().buffer_len()
    }

    fn serialize(&self, buffer: &mut [u8]) {
        let Some((header, attributes)) = buffer.split_first_chunk_mut::<HEADER>() else { return };
        *header = self.header;
        self.attributes.as_slice().emit(attributes);
    }
}

impl<const HEADER: usize> NetlinkDeserializable for Message<HEADER> {
    type Error = DecodeError;

    fn deserialize(header: &NetlinkHeader, payload: &[u8]) -> Result<Self, DecodeError> {
        let Some((of_family, rest)) = payload.split_first_chunk::<HEADER>() else {
            return Err("a message of netlink without its family's header".into());
        };
        Ok(Self { kind: header.message_type, header: *of_family, attributes: attributes(rest)? })
    }
}

/// Asks the kernel, and collects what it says up to its acknowledgement.
///
/// # Errors
/// The kernel's own, such as `ENODEV`, with its number; whatever fails of the socket; an answer that can't be read.
pub(crate) fn ask<M>(protocol: isize, question: M, flags: u16) -> io::Result<Vec<M>>
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
    uninterrupted(|| socket.send(&bytes, 0))?;
    let mut answers = Vec::new();
    loop {
        let (datagram, _) = uninterrupted(|| socket.recv_from_full())?;
        if take(&datagram, &mut answers)? {
            return Ok(answers);
        }
    }
}

/// Calls again after each signal.
fn uninterrupted<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            said => return said,
        }
    }
}

/// Takes the messages of a datagram; true when the acknowledgement, or the end of a list, was among them.
fn take<M: NetlinkDeserializable>(datagram: &[u8], answers: &mut Vec<M>) -> io::Result<bool> {
    let mut rest = datagram;
    while !rest.is_empty() {
        let message = NetlinkMessage::<M>::deserialize(rest).map_err(io::Error::other)?;
        let length = usize::try_from(message.header.length).unwrap_or(usize::MAX).next_multiple_of(4);
        rest = rest.get(length.max(1)..).unwrap_or_default();
        match message.payload {
            NetlinkPayload::InnerMessage(answer) => answers.push(answer),
            NetlinkPayload::Done(_) => return Ok(true),
            NetlinkPayload::Error(e) if e.code.is_none() => return Ok(true),
            NetlinkPayload::Error(e) => return Err(e.to_io()),
            _ => {}
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bytes_of(attributes: Vec<DefaultNla>) -> Vec<u8> {
        let inner = Message { kind: 30, header: [1, 1, 0, 0], attributes };
        let mut message = NetlinkMessage::new(NetlinkHeader::default(), NetlinkPayload::InnerMessage(inner));
        message.finalize();
        let mut bytes = vec![0; message.buffer_len()];
        message.serialize(&mut bytes);
        bytes
    }

    /// What is heard in a datagram of the kernel's.
    fn heard(datagram: &[u8]) -> io::Result<Vec<Message<4>>> {
        let mut answers = Vec::new();
        take(datagram, &mut answers).map(|_| answers)
    }

    #[test]
    fn an_attribute_is_found_by_its_type_whatever_its_flags() {
        for flags in [0, 0x8000, 0x4000] {
            let attributes = vec![DefaultNla::new(1, vec![1, 2, 3]), DefaultNla::new(7 | flags, vec![4])];
            let [answer] = heard(&bytes_of(attributes)).unwrap().try_into().unwrap();
            assert_eq!((answer.kind, answer.header), (30, [1, 1, 0, 0]));
            assert_eq!([1, 7, 2].map(|kind| answer.value(kind)), [Some(vec![1, 2, 3]), Some(vec![4]), None]);
        }
    }

    #[test]
    fn an_attribute_longer_than_its_message_is_an_error() {
        let mut bytes = bytes_of(vec![DefaultNla::new(1, vec![0; 4])]);
        let length = bytes.len() - 8;
        bytes[length] = 255;
        assert!(heard(&bytes).is_err());
    }

    #[test]
    fn a_call_that_a_signal_interrupts_is_made_again_and_another_failure_is_told() {
        let mut outcomes = [Err(libc::EINTR), Err(libc::EINTR), Ok(5), Err(libc::EPERM)].into_iter();
        let mut call = || outcomes.next().unwrap().map_err(io::Error::from_raw_os_error);
        assert_eq!(uninterrupted(&mut call).unwrap(), 5);
        assert_eq!(uninterrupted(&mut call).unwrap_err().raw_os_error(), Some(libc::EPERM));
    }

    proptest! {
        #[test]
        fn arbitrary_answers_cause_no_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = heard(&bytes);
            // And where netlink's own header is right.
            let mut framed = bytes_of(Vec::new());
            framed.extend(&bytes);
            let length = u32::try_from(framed.len()).unwrap();
            framed[..4].copy_from_slice(&length.to_ne_bytes());
            let _ = heard(&framed);
        }
    }
}
