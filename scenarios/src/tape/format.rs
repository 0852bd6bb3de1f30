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

pub(super) const MAGIC: [u8; 8] = *b"tickTAPE";
pub(super) const VERSION: u32 = 1;

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
pub(super) struct Head {
    pub(super) magic: [u8; 8],
    pub(super) version: U32,
    pub(super) order_len: U32,
    pub(super) packets: U64,
    pub(super) orders: U64,
    pub(super) header_len: U64,
    pub(super) payload_len: U64,
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

    pub(super) fn messages(&self) -> u16 {
        self.messages.get()
    }

    /// Where its bytes lie in the packets' data; `None` if that is nowhere.
    pub(super) fn range(&self) -> Option<Range<usize>> {
        let start = usize::try_from(self.offset.get()).ok()?;
        Some(start..start.checked_add(self.len())?)
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
