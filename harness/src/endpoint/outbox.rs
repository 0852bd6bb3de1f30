//! Session packets on their way to the lane: collected, and sent together when there is time.

use anyhow::{Context, Result};
use tickcert_transports::api::{Flow, Tx, TxError};

/// Bytes sent at once: below what an Ethernet frame carries.
const BATCH: usize = 1400;

/// Packets that wait. Allocates only when more wait than ever before.
pub(super) struct Outbox {
    bytes: Vec<u8>,
    sent: usize,
}

impl Outbox {
    pub(super) fn new() -> Self {
        Self { bytes: Vec::with_capacity(64 * 1024), sent: 0 }
    }

    pub(super) fn push(&mut self, packet: &[u8]) {
        self.bytes.extend_from_slice(packet);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.sent == self.bytes.len()
    }

    /// Sends one batch; what finds no room waits for the next call.
    pub(super) fn send(&mut self, tx: &mut impl Tx) -> Result<()> {
        let waiting = &self.bytes[self.sent..];
        if waiting.is_empty() {
            return Ok(());
        }
        let batch = &waiting[..waiting.len().min(BATCH)];
        match tx.send(Flow::Orders, batch.len(), |out| out.copy_from_slice(batch)) {
            Ok(_) => self.sent += batch.len(),
            Err(TxError::Full) => return Ok(()),
            Err(e) => return Err(e).context("while sending on the order session"),
        }
        // What the lane has taken is the lane's: it goes out with its next send.
        tx.flush().or_else(TxError::unless_full).context("while sending on the order session")?;
        if self.is_empty() {
            self.bytes.clear();
            self.sent = 0;
        }
        Ok(())
    }
}
