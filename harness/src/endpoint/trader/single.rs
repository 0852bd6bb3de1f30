//! The trader in one thread: an order is sent while its tick is being looked at.

use anyhow::Result;
use tickcert_probes::{clocks::tsc, counters::Counters};
use tickcert_scenarios::trader::{TickKind, Trader, TraderConfig};
use tickcert_transports::api::{Interest, Rx, Tx};

use super::{
    End, Ends, TURNS, Traded,
    stages::{Plain, Record, Staged},
};
use crate::endpoint::{Cue, control::TrialSpec, process::UsageMeter, stamping::Stamps};

/// Trades what comes until the session ends.
pub(super) fn trade<R: Rx, X: Tx, S: Stamps>(
    ends: &mut Ends<R, X, S>,
    config: &TraderConfig,
    spec: &TrialSpec,
    cue: &mut Cue<'_>,
) -> Result<Traded> {
    let mut trader = Trader::new(config)?;
    let mut counters = Counters::open();
    cue.ready()?;
    ends.out.log_in(&mut ends.desk, &mut ends.rx, spec.link.connect_timeout)?;
    cue.wait_for_go()?;
    cue.running()?;
    counters.start();
    let usage = UsageMeter::start();
    let end =
        if spec.staged { ends.go(&mut trader, Staged::default()) } else { ends.go(&mut trader, Plain::default()) };
    // The trader's memory is not for the timed loop to free.
    let (usage, counters) = (usage.stop(), counters.stop());
    ends.out.finish(&mut ends.desk, &mut ends.rx, matches!(end, End::Session));
    Ok(Traded { end, usage, counters, ..Traded::of(trader.stats()) })
}

impl<R: Rx, X: Tx, S: Stamps> Ends<R, X, S> {
    fn go<P: Record>(&mut self, trader: &mut Trader, mut probe: P) -> End {
        let (mut idle, mut last_tick, mut over) = (0_u32, tsc::now(), false);
        loop {
            let out = &mut self.out;
            let polled = self.rx.poll(Interest::Ticks, 1, |frame| {
                last_tick = tsc::arrival();
                probe.arrived(last_tick);
                out.stamps.arrived(S::carried(frame.meta));
                let outcome = trader.on_tick(frame.bytes, &mut probe, |order, probe| out.send(order, probe));
                over |= outcome.kind == TickKind::EndOfSession;
            });
            match polled {
                Err(e) => return End::Broken(anyhow::Error::new(e).context("while receiving ticks")),
                Ok(0) => {
                    idle += 1;
                    if idle == 1 {
                        self.out.look(true);
                    }
                }
                Ok(_) => idle = 0,
            }
            if over {
                return End::Session;
            }
            if idle >= TURNS {
                idle = 0;
                let rested = self.out.rest(&mut self.desk, &mut self.rx);
                if let Err(e) = rested.and_then(|now| self.quiet.look(now, last_tick)) {
                    return End::Broken(e);
                }
            }
            if let Some(e) = self.out.broken.take() {
                return End::Broken(e);
            }
        }
    }
}
