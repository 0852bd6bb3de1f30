//! The tape: the workload made concrete. Every packet with its time, and every order that must come of it, in one
//! file that both endpoints map into memory. A SHA-256 of what is in it, but for the words about where the ticks come
//! from, names the workload.
//!
//! A tape is played once or several times in a repetition (a pass each). In pass `k` the MoldUDP64 sequence numbers go
//! on from pass `k - 1`, the trader's books start empty, and the `UserRefNum`s of the orders go on; nothing else
//! differs. So one pass on file is enough, and the oracle's orders of any pass follow from those of the first.

mod build;
mod format;
mod layout;
mod map;
mod oracle;
#[cfg(test)]
mod tests;
mod trigger_ends;

pub use build::{build, most_active_symbol};
pub use format::{TapeError, TapeHeader};
pub use oracle::{Expected, USER_REF_NUM};

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Mutex, OnceLock, PoisonError},
};

use tickcert_results::{certificate::TapeSummary, time::Nanos};

use crate::{
    feed::{TimeOfDay, itch::Message, mold},
    load::TapeTimes,
};

/// Where the sequence number stands in a MoldUDP64 packet (`crate::feed::mold`).
const SEQUENCE: std::ops::Range<usize> = 10..18;

/// The number of a packet's first message; `None` where there is no room for one.
fn sequence_of(packet: &[u8]) -> Option<u64> {
    packet.get(SEQUENCE).and_then(|field| field.try_into().ok()).map(u64::from_be_bytes)
}

/// A tape, mapped.
pub struct Tape {
    bytes: map::Mapped,
    layout: layout::Layout,
    sha256: String,
    at: Vec<Nanos>,
    triggers: Vec<u32>,
    /// By packets sent; every repetition of every lane asks for the same ones.
    digests: Mutex<BTreeMap<usize, String>>,
    /// Found when they are first asked for.
    trigger_ends: OnceLock<Vec<u32>>,
}

impl Tape {
    /// Maps a tape file and checks that everything in it lies where it says.
    ///
    /// # Errors
    /// [`TapeError`]: unreadable, not a tape, of another version, cut short, or inconsistent.
    pub fn open(path: &Path) -> Result<Self, TapeError> {
        let bytes = map::Mapped::open(path)?;
        let layout = layout::Layout::read(path, &bytes)?;
        let sha256 = layout.digest(&bytes).map_err(|e| layout::damaged(path, 0, &e.to_string()))?;
        let at = layout.packets(&bytes).iter().map(format::PacketEntry::at).collect();
        let triggers = layout.order_packets(&bytes).iter().map(|p| p.get()).collect();
        Ok(Self { bytes, layout, sha256, at, triggers, digests: Mutex::default(), trigger_ends: OnceLock::new() })
    }

    /// What was written about it when it was built.
    #[must_use]
    pub fn header(&self) -> &TapeHeader {
        &self.layout.header
    }

    /// SHA-256 of the packets, their times, the orders, the strategy and its settings, hexadecimal. The header's `source`
    /// and `notes` are left out: the same ticks from another file make the same workload.
    #[must_use]
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// Packets in one pass.
    #[must_use]
    pub fn packets(&self) -> usize {
        self.at.len()
    }

    /// Orders of one pass.
    #[must_use]
    pub fn orders(&self) -> usize {
        self.triggers.len()
    }

    /// Bytes of each order.
    #[must_use]
    pub fn order_len(&self) -> usize {
        self.layout.order_len
    }

    /// What a schedule is made from.
    #[must_use]
    pub fn times(&self) -> TapeTimes<'_> {
        TapeTimes { at: &self.at, triggers: &self.triggers }
    }

    /// The UDP payload of packet `n` of the first pass; empty beyond the end.
    #[must_use]
    #[inline]
    pub fn packet(&self, n: usize) -> &[u8] {
        self.layout.packet(&self.bytes, n)
    }

    /// When packet `n` of the first pass is from, by its first message.
    #[must_use]
    pub fn time_of_day(&self, n: usize) -> Option<TimeOfDay> {
        let packet = mold::MoldPacket::parse(self.packet(n)).ok()?;
        let message = packet.messages().next()?.ok()?;
        Message::parse(message).ok().map(|message| TimeOfDay(message.head().timestamp()))
    }

    /// Writes packet `n` as it is in `pass` (from 0) into `out`, which has the packet's length.
    #[inline]
    pub fn write_packet(&self, n: usize, pass: u32, out: &mut [u8]) {
        let packet = self.packet(n);
        out.copy_from_slice(packet);
        if pass > 0
            && let Some(first) = sequence_of(packet)
            && let Some(field) = out.get_mut(SEQUENCE)
        {
            let go_on = u64::from(pass).wrapping_mul(self.layout.header.messages);
            field.copy_from_slice(&first.wrapping_add(go_on).to_be_bytes());
        }
    }

    /// The orders that the first `sent` packets must cause, counted through all passes.
    #[must_use]
    pub fn expected(&self, sent: usize) -> Expected<'_> {
        Expected::new(self.layout.order_bytes(&self.bytes), self.layout.order_len, &self.triggers, self.packets(), sent)
    }

    /// SHA-256 of those orders, in order.
    #[must_use]
    pub fn expected_digest(&self, sent: usize) -> String {
        let mut known = self.digests.lock().unwrap_or_else(PoisonError::into_inner);
        known.entry(sent).or_insert_with(|| self.expected(sent).digest()).clone()
    }

    /// Of each packet of one pass, whether it causes an order.
    #[must_use]
    pub fn triggers(&self) -> Vec<bool> {
        let mut causes = vec![false; self.packets()];
        for packet in &self.triggers {
            if let Some(this) = causes.get_mut(*packet as usize) {
                *this = true;
            }
        }
        causes
    }

    /// How many packets it takes until `orders` orders have been caused.
    #[must_use]
    pub fn packets_for(&self, orders: u64) -> u64 {
        let per_pass = self.orders() as u64;
        let (full, rest) = (orders.saturating_sub(1) / per_pass, orders.saturating_sub(1) % per_pass);
        let last = usize::try_from(rest).ok().and_then(|n| self.triggers.get(n)).copied().unwrap_or_default();
        full * self.packets() as u64 + u64::from(last) + 1
    }

    /// The packet that ends the session after `sent` packets.
    #[must_use]
    pub fn end_of_session(&self, sent: usize) -> [u8; mold::HEADER_LEN] {
        build::end_of_session(self.messages_in(sent) + 1)
    }

    /// How many messages the first `sent` packets hold, pass after pass.
    #[must_use]
    pub fn messages_in(&self, sent: usize) -> u64 {
        let (pass, in_pass) = (sent / self.packets(), sent % self.packets());
        // Numbers begin with 1, so that of a packet's first message is one more than there are before it.
        let first = sequence_of(self.packet(in_pass)).unwrap_or(1);
        pass as u64 * self.header().messages + first.saturating_sub(1)
    }

    /// As it stands in a certificate.
    #[must_use]
    pub fn summary(&self) -> TapeSummary {
        let header = self.header();
        TapeSummary {
            sha256: self.sha256.clone(),
            source: header.source.clone(),
            packets: self.packets() as u64,
            messages: header.messages,
            expected_orders: self.orders() as u64,
            orders_sha256: self.expected_digest(self.packets()),
            duration_ns: self.at.last().copied().unwrap_or_default(),
            strategy: header.trader.strategy.describe(),
            notes: header.notes.clone(),
        }
    }
}
