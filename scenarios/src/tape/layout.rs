//! Reading the file: where its parts lie, whether they fit together, and the digest that names them.

use std::{ops::Range, path::Path};

use serde::Serialize;
use sha2::{Digest, Sha256};
use tickcert_results::time::Nanos;
use zerocopy::{FromBytes, little_endian::U32};

use super::format::{Head, MAGIC, PacketEntry, TapeError, TapeHeader, VERSION};
use crate::{
    digest::hex,
    feed::mold,
    order_entry::{OrderSettings, OrderTemplate},
    trader::TraderConfig,
};

pub(super) fn damaged(path: &Path, offset: usize, what: &str) -> TapeError {
    TapeError::Damaged { path: path.to_owned(), offset, what: what.to_owned() }
}

/// What of the header makes a difference to a run: all but the words.
#[derive(Serialize)]
struct Substance<'a> {
    version: u32,
    messages: u64,
    trader: &'a TraderConfig,
    orders: &'a OrderSettings,
}

/// Where the parts lie in a mapped file; every range was checked.
pub(super) struct Layout {
    pub(super) header: TapeHeader,
    pub(super) order_len: usize,
    packets: Range<usize>,
    payload: Range<usize>,
    order_packets: Range<usize>,
    order_bytes: Range<usize>,
}

impl Layout {
    pub(super) fn read(path: &Path, bytes: &[u8]) -> Result<Self, TapeError> {
        let damaged = |offset, what: &str| damaged(path, offset, what);
        let (head, _) = Head::read_from_prefix(bytes).map_err(|_| damaged(0, "too short for a head"))?;
        if head.magic != MAGIC {
            return Err(damaged(0, "no tape begins like this"));
        }
        if head.version.get() != VERSION {
            return Err(damaged(8, &format!("version {} (this program reads {VERSION})", head.version)));
        }
        let mut at = size_of::<Head>().next_multiple_of(8);
        let mut part = |count: u64, each: usize, name: &str| {
            let start = at;
            let end =
                usize::try_from(count).ok().and_then(|n| n.checked_mul(each)).and_then(|len| start.checked_add(len));
            let end = end
                .filter(|end| *end <= bytes.len())
                .ok_or_else(|| damaged(start, &format!("the {name} ends beyond the file")))?;
            at = end.next_multiple_of(8);
            Ok::<_, TapeError>(start..end)
        };
        let order_len = usize::try_from(head.order_len.get()).unwrap_or(usize::MAX);
        let header = part(head.header_len.get(), 1, "header")?;
        let layout = Self {
            packets: part(head.packets.get(), size_of::<PacketEntry>(), "table of packets")?,
            payload: part(head.payload_len.get(), 1, "packets' data")?,
            order_packets: part(head.orders.get(), size_of::<U32>(), "table of orders")?,
            order_bytes: part(head.orders.get(), order_len, "orders' data")?,
            header: serde_json::from_slice(&bytes[header.clone()])
                .map_err(|e| damaged(header.start, &e.to_string()))?,
            order_len,
        };
        layout.check(bytes).map_err(|(offset, what)| damaged(offset, what))?;
        Ok(layout)
    }

    /// SHA-256 of all that the endpoints and the oracle go by, each part after its length. Where the ticks come from, and
    /// what was noticed while reading them, are left out: the same ticks are the same tape under any name and packing.
    pub(super) fn digest(&self, bytes: &[u8]) -> Result<String, serde_json::Error> {
        let TapeHeader { messages, trader, orders, source: _, notes: _ } = &self.header;
        let header = serde_json::to_vec(&Substance { version: VERSION, messages: *messages, trader, orders })?;
        let mut sha = Sha256::new();
        for part in [
            &header[..],
            &bytes[self.packets.clone()],
            &bytes[self.payload.clone()],
            &bytes[self.order_packets.clone()],
            &bytes[self.order_bytes.clone()],
        ] {
            sha.update((part.len() as u64).to_le_bytes());
            sha.update(part);
        }
        Ok(hex(&sha.finalize()))
    }

    fn check(&self, bytes: &[u8]) -> Result<(), (usize, &'static str)> {
        self.check_packets(bytes)?;
        self.check_orders(bytes)
    }

    fn check_packets(&self, bytes: &[u8]) -> Result<(), (usize, &'static str)> {
        let (mut last, mut messages) = (Nanos::ZERO, 0_u64);
        for (n, p) in self.packets(bytes).iter().enumerate() {
            let here = self.packets.start + n * size_of::<PacketEntry>();
            if p.range().is_none_or(|range| range.end > self.payload.len()) {
                return Err((here, "a packet that ends beyond the data"));
            }
            if p.len() < mold::HEADER_LEN {
                return Err((here, "a packet too short for a MoldUDP64 header"));
            }
            if p.at() < last {
                return Err((here, "a packet before the one that precedes it"));
            }
            // Sequence numbers are reckoned from this count, in every pass and at the end of the session.
            if super::sequence_of(self.packet(bytes, n)) != Some(messages + 1) {
                return Err((here, "a packet whose sequence number doesn't follow from those before it"));
            }
            last = p.at();
            messages += u64::from(p.messages());
        }
        if messages == 0 {
            return Err((self.packets.start, "no messages"));
        }
        if messages != self.header.messages {
            return Err((self.packets.start, "not as many messages as its header says"));
        }
        Ok(())
    }

    fn check_orders(&self, bytes: &[u8]) -> Result<(), (usize, &'static str)> {
        if self.order_packets.is_empty() {
            return Err((self.order_packets.start, "no orders"));
        }
        if self.order_len != OrderTemplate::LEN {
            return Err((self.order_bytes.start, "orders of a length that this program doesn't send"));
        }
        let packets = self.packets(bytes);
        let mut last = 0;
        for (n, p) in self.order_packets(bytes).iter().enumerate() {
            if p.get() as usize >= packets.len() || p.get() < last {
                return Err((self.order_packets.start + n * size_of::<U32>(), "an order of a packet that isn't there"));
            }
            last = p.get();
        }
        Ok(())
    }

    pub(super) fn packets<'a>(&self, bytes: &'a [u8]) -> &'a [PacketEntry] {
        <[PacketEntry]>::ref_from_bytes(&bytes[self.packets.clone()]).unwrap_or_default()
    }

    #[inline]
    pub(super) fn packet<'a>(&self, bytes: &'a [u8], n: usize) -> &'a [u8] {
        let Some(range) = self.packets(bytes).get(n).and_then(PacketEntry::range) else { return &[] };
        bytes[self.payload.clone()].get(range).unwrap_or_default()
    }

    pub(super) fn order_packets<'a>(&self, bytes: &'a [u8]) -> &'a [U32] {
        <[U32]>::ref_from_bytes(&bytes[self.order_packets.clone()]).unwrap_or_default()
    }

    pub(super) fn order_bytes<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        &bytes[self.order_bytes.clone()]
    }
}
