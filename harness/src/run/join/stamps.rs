//! The stamps of a repetition, order by order.

use std::io;

use tickcert_results::{
    certificate::EndStamps,
    stamp::Stamp,
    time::{Nanos, Ticks},
};
use tickcert_scenarios::tape::Expected;
use tickcert_transports::api::Stamping;

use super::{
    Sources,
    attribute::{Attributed, Checks, Seen, received, transmitted},
    fates::Fate,
    ties::Tied,
};
use crate::endpoint::{
    samples::Departure,
    stamp_log::{Received, StampSamples},
};

/// What is joined where stamps were taken.
#[derive(Clone, Copy)]
pub struct StampSources<'a> {
    /// What the exchange logged.
    pub exchange: &'a StampSamples,
    /// What the trader logged.
    pub trader: &'a StampSamples,
    /// What stamps at each end.
    pub stamping: Stamping,
    /// A transmit stamp that comes later than this is late.
    pub timeout: Nanos,
    /// The clocks around the trial, as far as they can be read.
    pub clocks: &'a [Tied],
    /// What the exchange's lane could make nothing of.
    pub useless_at_exchange: Useless,
    /// The same by the trader's.
    pub useless_at_trader: Useless,
}

/// Stamps that a lane could make nothing of, as it counts them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Useless {
    /// Of frames sent, zeros.
    pub tx_zero: u64,
    /// Of frames sent, but of none whose stamps were wanted.
    pub tx_of_nobody: u64,
    /// Of frames received, zeros.
    pub rx_zero: u64,
}

/// The hardware stamps of a repetition that can be used.
#[derive(Clone, Debug, Default)]
pub struct JoinedStamps {
    tick_tx: Attributed,
    tick_rx: Attributed,
    order_tx: Attributed,
    order_rx: Attributed,
    /// What became of the exchange's.
    pub exchange: EndStamps,
    /// What became of the trader's.
    pub trader: EndStamps,
}

/// The hardware stamps of a tick and its order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OrderStamps {
    /// The tick left the exchange.
    pub tick_tx: Option<Stamp>,
    /// It arrived at the trader.
    pub tick_rx: Option<Stamp>,
    /// The order left the trader.
    pub order_tx: Option<Stamp>,
    /// It arrived at the exchange.
    pub order_rx: Option<Stamp>,
}

impl OrderStamps {
    /// From the tick's departure to the order's arrival at the exchange, both by one clock; negative where they contradict
    /// each other.
    #[must_use]
    pub fn t2t_wire(&self) -> Option<i64> {
        between(self.tick_tx, self.order_rx)
    }

    /// From the tick's arrival to the order's departure at the trader.
    #[must_use]
    pub fn trader_wire(&self) -> Option<i64> {
        between(self.tick_rx, self.order_tx)
    }
}

fn between(from: Option<Stamp>, to: Option<Stamp>) -> Option<i64> {
    let (from, to) = (from?, to?);
    (from.clock == to.clock).then(|| to.at.since(from.at).0)
}

impl JoinedStamps {
    /// Of the order of this number, caused by that packet.
    #[must_use]
    pub fn of(&self, order: u32, packet: u32) -> OrderStamps {
        let get = |of: &Attributed, frame: u32| of.good.get(&frame).copied();
        OrderStamps {
            tick_tx: get(&self.tick_tx, packet),
            tick_rx: get(&self.tick_rx, order),
            order_tx: get(&self.order_tx, order),
            order_rx: get(&self.order_rx, order),
        }
    }

    /// Takes these stamps in as good ones of the order of this number, caused by that packet.
    #[cfg(test)]
    pub fn put(&mut self, order: u32, packet: u32, stamps: OrderStamps) {
        for (of, frame, stamp) in [
            (&mut self.tick_tx, packet, stamps.tick_tx),
            (&mut self.tick_rx, order, stamps.tick_rx),
            (&mut self.order_tx, order, stamps.order_tx),
            (&mut self.order_rx, order, stamps.order_rx),
        ] {
            of.good.extend(stamp.map(|stamp| (frame, stamp)));
        }
    }
}

/// Attributes the stamps of both ends.
///
/// # Errors
/// When the endpoints' files can't be read any more.
pub(super) fn join_stamps(
    sources: &Sources<'_>,
    of: &StampSources<'_>,
    expected: &Expected<'_>,
    fates: &[Fate],
) -> io::Result<JoinedStamps> {
    let (mut left, stamping) = (Vec::new(), of.stamping);
    sources.trader.each(|d| left.push(d.at(Departure::ARRIVAL)))?;
    let checks = |clock| Checks {
        scale: sources.scale,
        timeout: of.timeout,
        clock,
        tied: of.clocks.iter().find(|tied| Some(tied.clock) == clock),
    };
    let (at_exchange, at_trader) = (checks(stamping.exchange.clock), checks(stamping.trader.clock));
    let sent = |packet: usize| sources.exchange.sent.get(packet).copied().and_then(Ticks::new);
    let seen = |order: usize, with, seen| {
        let packet = expected.packet(order);
        Some(Seen { frame: u32::try_from(order).ok()?, packet, with, not_before: packet.and_then(sent), seen })
    };
    let handed = |frame: u32| left.get(frame as usize).copied().flatten();
    let tick_tx = transmitted(&of.exchange.sent()?, &of.exchange.came()?, |n| sent(n as usize), &at_exchange);
    let order_tx = transmitted(&of.trader.sent()?, &of.trader.came()?, handed, &at_trader);
    let with = of.trader.received()?;
    let ticks = left.iter().enumerate().filter_map(|(n, came)| seen(n, at(&with, n), (*came)?));
    let tick_rx = received(ticks, &at_trader);
    let with = of.exchange.received()?;
    let mut orders: Vec<(u32, Seen)> = fates
        .iter()
        .enumerate()
        .filter_map(|(n, fate)| {
            let Fate::Arrived(came, place) = *fate else { return None };
            Some((place, seen(n, at(&with, place as usize), came)?))
        })
        .collect();
    orders.sort_unstable_by_key(|(place, _)| *place);
    let order_rx = received(orders.into_iter().map(|(_, seen)| seen), &at_exchange);
    let end = |clock, tx: &Attributed, rx: &Attributed, useless: Useless| {
        let (mut tx, mut rx) = (tx.counts, rx.counts);
        (tx.zero, rx.zero) = (useless.tx_zero, useless.rx_zero);
        tx.unasked += useless.tx_of_nobody;
        EndStamps { clock, tx, rx }
    };
    Ok(JoinedStamps {
        exchange: end(stamping.exchange.clock, &tick_tx, &order_rx, of.useless_at_exchange),
        trader: end(stamping.trader.clock, &order_tx, &tick_rx, of.useless_at_trader),
        tick_tx,
        tick_rx,
        order_tx,
        order_rx,
    })
}

/// What came with the frame of this number; nothing where it found no room.
fn at(with: &[Received], n: usize) -> Received {
    with.get(n).copied().unwrap_or_default()
}
