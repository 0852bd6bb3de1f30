//! The file: a fixed head, a header in JSON, the table of packets, their bytes, and the orders. All integers are
//! little-endian; each part begins on a multiple of 8.

use std::{
    io::{self, Write},
    ops::Range,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use tickcert_results::{atomic_file, time::Nanos};
use zerocopy::{
    FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned,
    little_endian::{U16, U32, U64},
};

use crate::{order_entry::OrderSettings, trader::TraderConfig};

const MAGIC: [u8; 8] = *b"tickTAPE";
const VERSION: u32 = 1;

/// What is known of a tape beside its packets and orders.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TapeHeader {
    /// Where the ticks come from, in words, with the digest of a file.
    pub source: String,
    /// What was noticed while reading them.
    pub notes: Vec<String>,
    /// ITCH messages in one pass.
    pub messages: u64,
    /// Strategy, risk limits and capacities: what the oracle used and what the trader must use.
    pub trader: TraderConfig,
    /// What all orders share.
    pub orders: OrderSettings,
}

/// Why a tape can't be used or made.
#[derive(Debug, thiserror::Error)]
pub enum TapeError {
    /// The file can't be opened or mapped.
    #[error("can't read the tape {path}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It can't be written.
    #[error("can't write the tape {path}")]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        source: atomic_file::WriteError,
    },
    /// Its content is not what a tape's is.
    #[error("{path} is not a usable tape: {what} at offset {offset}; build it again from its ticks")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where.
        offset: usize,
        /// What is wrong there.
        what: String,
    },
    /// The ticks cause no order with this strategy.
    #[error(
        "no tick of {origin} makes the strategy ({strategy}) send an order: choose another symbol or a smaller threshold"
    )]
    NoOrders {
        /// The ticks.
        origin: String,
        /// The strategy.
        strategy: String,
    },
    /// The order's settings don't fit its fields.
    #[error("the orders can't be encoded")]
    Orders(#[from] crate::order_entry::SettingsError),
    /// The strategy can't be set up.
    #[error("the strategy can't run on these ticks")]
    Trader(#[from] crate::trader::TraderError),
}

#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned, Clone, Copy)]
#[repr(C)]
struct Head {
    magic: [u8; 8],
    version: U32,
    order_len: U32,
    packets: U64,
    orders: U64,
    header_len: U64,
    payload_len: U64,
}

/// A packet's place in the table.
#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned, Clone, Copy)]
#[repr(C)]
pub(super) struct PacketEntry {
    at_ns: U64,
    offset: U64,
    len: U16,
    messages: U16,
    reserved: U32,
}

impl PacketEntry {
    pub(super) fn new(at: Nanos, offset: u64, len: u16, messages: u16) -> Self {
        Self {
            at_ns: at.get().into(),
            offset: offset.into(),
            len: len.into(),
            messages: messages.into(),
            reserved: 0.into(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.len.get().into()
    }

    pub(super) fn at(&self) -> Nanos {
        Nanos(self.at_ns.get())
    }
}

/// The parts of a tape in memory, to be written.
pub(super) struct Parts {
    pub(super) header: TapeHeader,
    pub(super) packets: Vec<PacketEntry>,
    pub(super) payload: Vec<u8>,
    pub(super) order_len: usize,
    /// The packet that causes each order.
    pub(super) order_packets: Vec<U32>,
    pub(super) order_bytes: Vec<u8>,
}

impl Parts {
    pub(super) fn write(&self, path: &Path) -> Result<(), TapeError> {
        atomic_file::write_with(path, |out| self.write_to(out))
            .map_err(|source| TapeError::Unwritable { path: path.to_owned(), source })
    }

    fn write_to(&self, out: &mut dyn Write) -> io::Result<()> {
        let header = serde_json::to_vec(&self.header)?;
        let count = |n: usize| U64::new(n as u64);
        let head = Head {
            magic: MAGIC,
            version: VERSION.into(),
            order_len: u32::try_from(self.order_len).map_err(io::Error::other)?.into(),
            packets: count(self.packets.len()),
            orders: count(self.order_packets.len()),
            header_len: count(header.len()),
            payload_len: count(self.payload.len()),
        };
        for part in [
            head.as_bytes(),
            &header,
            self.packets.as_bytes(),
            &self.payload,
            self.order_packets.as_bytes(),
            &self.order_bytes,
        ] {
            out.write_all(part)?;
            out.write_all(&[0; 8][..part.len().next_multiple_of(8) - part.len()])?;
        }
        Ok(())
    }
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
        let damaged = |offset, what: &str| TapeError::Damaged { path: path.to_owned(), offset, what: what.to_owned() };
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

    fn check(&self, bytes: &[u8]) -> Result<(), (usize, &'static str)> {
        let packets = self.packets(bytes);
        let mut last = Nanos::ZERO;
        for (n, p) in packets.iter().enumerate() {
            let here = self.packets.start + n * size_of::<PacketEntry>();
            let end = p.offset.get().checked_add(p.len.get().into());
            if end.is_none_or(|end| end > self.payload.len() as u64) {
                return Err((here, "a packet that ends beyond the data"));
            }
            if usize::from(p.len.get()) < super::SEQUENCE.end {
                return Err((here, "a packet too short for a MoldUDP64 header"));
            }
            if p.at() < last {
                return Err((here, "a packet before the one that precedes it"));
            }
            last = p.at();
        }
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
        let Some(entry) = self.packets(bytes).get(n) else { return &[] };
        let start = self.payload.start + usize::try_from(entry.offset.get()).unwrap_or(usize::MAX);
        &bytes[start..start + usize::from(entry.len.get())]
    }

    pub(super) fn order_packets<'a>(&self, bytes: &'a [u8]) -> &'a [U32] {
        <[U32]>::ref_from_bytes(&bytes[self.order_packets.clone()]).unwrap_or_default()
    }

    pub(super) fn order_bytes<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        &bytes[self.order_bytes.clone()]
    }
}
