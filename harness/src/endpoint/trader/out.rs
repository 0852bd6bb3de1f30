//! The way out for orders: written, sent, logged.

use anyhow::{Context, Result, bail};
use tickcert_probes::clocks::tsc;
use tickcert_results::time::{Nanos, TickScale};
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
/// The last answers have this long to arrive after the feed's end.
const LAST_ANSWERS: Nanos = Nanos(1_000_000_000);

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
    pub(super) scale: TickScale,
}

impl<X: Tx, S: Stamps> Out<X, S> {
    /// Until the exchange lets orders in; its answers come by `answers`. By the thread that sends, as all that is sent.
    pub(super) fn log_in(&mut self, desk: &mut Desk, answers: &mut impl Rx, timeout: Nanos) -> Result<()> {
        let deadline = tsc::now().raw() + self.scale.ticks(timeout);
        while !desk.is_open() {
            desk.pump(answers, self.tx.without_faults(), 0).context("while logging in")?;
            if tsc::now().raw() > deadline {
                bail!("the exchange did not answer the login within {timeout}");
            }
        }
        Ok(())
    }

    /// The last stamps, and, where the feed has `ended` as it should, the last answers and the logout. No longer timed.
    pub(super) fn finish(&mut self, desk: &mut Desk, answers: &mut impl Rx, ended: bool) {
        self.look(false);
        if ended {
            let patience = self.scale.ticks(LAST_ANSWERS);
            desk.close(answers, self.tx.without_faults(), self.log.len(), patience);
        }
        self.stamps.drain(self.tx.without_faults());
    }

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
