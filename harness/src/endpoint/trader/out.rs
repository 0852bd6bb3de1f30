//! The way out for orders: written, sent, logged.

use anyhow::{Context, Result};
use tickcert_probes::clocks::tsc;
use tickcert_scenarios::order_entry::{Order, OrderTemplate};
use tickcert_transports::{
    api::{Flow, Rx, Tx, TxError},
    wrap::faults::Faulty,
};

use super::stages::Record;
use crate::endpoint::{
    desk::Desk,
    samples::DepartureLog,
    stamping::{Frame, Stamps},
    trouble::Trouble,
};

/// An order for which the lane has no room is tried so often before it counts as not sent.
const TRIES: u32 = 100_000;

/// The way out for orders, apart from the way in so that an order can be sent while a tick is being looked at.
pub(super) struct Out<X: Tx, S> {
    pub(super) tx: Faulty<X>,
    pub(super) template: OrderTemplate,
    pub(super) log: DepartureLog,
    pub(super) stamps: S,
    pub(super) trouble: Option<Trouble>,
    pub(super) full: u64,
    pub(super) unsent: u64,
    pub(super) broken: Option<anyhow::Error>,
}

impl<X: Tx, S: Stamps> Out<X, S> {
    /// Fetches stamps; while ticks come only if that hasn't been done for long.
    #[inline]
    pub(super) fn look(&mut self, busy: bool) {
        self.stamps.look(self.tx.without_faults(), busy);
    }

    /// What can wait until nothing is to be sent: the session, whose answers come by `answers`, and what was kept back on
    /// purpose. The counter after it.
    #[cold]
    pub(super) fn rest(&mut self, desk: &mut Desk, answers: &mut impl Rx) -> Result<u64> {
        desk.pump(answers, self.tx.without_faults(), self.log.len())?;
        self.tx.look().context("while sending an order that was kept back on purpose")?;
        self.look(false);
        let now = tsc::now().raw();
        if let Some(trouble) = &mut self.trouble {
            trouble.look(now);
        }
        Ok(now)
    }

    /// Sends an order, and tries again for a while if there is no room.
    #[inline]
    pub(super) fn send<P: Record>(&mut self, order: &Order, probe: &mut P) {
        if let Some(trouble) = &mut self.trouble {
            trouble.burn(self.log.len());
        }
        let mut sent = false;
        for _ in 0..TRIES {
            let done = if sent {
                // The lane has the order: only its doorbell is missing.
                self.tx.flush()
            } else {
                let frame = Frame { flow: Flow::Orders, number: self.log.len(), in_pass: usize::MAX };
                let taken = self.stamps.send(&mut self.tx, frame, OrderTemplate::LEN, |out| {
                    self.template.write(out, order);
                    probe.encoded();
                });
                sent = taken.is_ok();
                taken.and_then(|()| self.tx.flush())
            };
            match done {
                Ok(()) => {
                    self.log.push(probe.departed(tsc::now()));
                    return self.stamps.keep(self.log.len() - 1);
                }
                Err(TxError::Full) => self.full += 1,
                Err(TxError::Io(e)) => {
                    self.broken = Some(anyhow::Error::new(e).context("while sending an order"));
                    return;
                }
            }
        }
        self.unsent += 1;
        self.log.push(probe.departed(tsc::now()));
    }
}
