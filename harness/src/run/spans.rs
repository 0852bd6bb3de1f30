//! From the hardware stamps of a repetition's orders to the distributions of the spans between them.

use std::collections::BTreeMap;

use anyhow::Result;
use tickcert_results::{
    certificate::Conversion,
    hist::Histogram,
    stats::summarise::Shifted,
    time::Nanos,
    wire::{Convention, LinkSpeed, TickFrame, WireSpan},
};
use tickcert_scenarios::tape::Tape;

use super::{
    join::{JoinedStamps, OrderSample, OrderStamps},
    one_way::Basis,
};

/// What has to be known of the frames to tell where in them a span begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WireFormat {
    /// Bytes before the tick.
    pub headers: Option<u32>,
    /// Speed of the exchange's link.
    pub exchange: Option<LinkSpeed>,
    /// Of the trader's.
    pub trader: Option<LinkSpeed>,
}

impl WireFormat {
    /// As a certificate has it.
    pub(super) fn record(&self) -> Conversion {
        let lacks = [
            (self.headers.is_none(), "the lane does not say what stands before a tick in its frame"),
            (self.exchange.is_none(), "the speed of the exchange's link is not known"),
            (self.trader.is_none(), "the speed of the trader's link is not known"),
        ];
        let said: Vec<&str> = lacks.iter().filter(|(lacks, _)| *lacks).map(|(_, what)| *what).collect();
        Conversion {
            exchange_mbps: self.exchange,
            trader_mbps: self.trader,
            headers: self.headers,
            why_not: (!said.is_empty()).then(|| said.join("; ")),
        }
    }

    /// The speed that a span's conversion goes by.
    const fn speed(&self, span: WireSpan) -> Option<LinkSpeed> {
        match span {
            WireSpan::T2t(_) => self.exchange,
            WireSpan::Trader(_) => self.trader,
            WireSpan::TickOneWay | WireSpan::OrderOneWay => None,
        }
    }
}

/// Samples of one span, each later by the shift.
struct Samples {
    shift: Nanos,
    values: Vec<Nanos>,
}

/// The spans of these orders, as far as they have both stamps; one without a single sample is not there.
///
/// # Errors
/// When a histogram can't be made.
pub(super) fn distributions(
    kept: &[OrderSample],
    stamps: &JoinedStamps,
    tape: &Tape,
    format: &WireFormat,
    one_way: &Basis,
) -> Result<BTreeMap<String, Shifted>> {
    let mut all: BTreeMap<WireSpan, Samples> = BTreeMap::new();
    let longest = (0..tape.orders()).map(|n| tape.trigger_len(n)).max().unwrap_or_default();
    for order in kept {
        let of = stamps.of(order.order, order.packet);
        for span in WireSpan::ALL {
            let Some((value, shift)) = value(span, &of, order, tape, format, longest, one_way) else { continue };
            // One that contradicts itself is no sample, and makes all stamps of its repetition unusable (`stamps.rs`).
            let Some(shifted) = u64::try_from(value).ok() else { continue };
            let samples = all.entry(span).or_insert_with(|| Samples { shift, values: Vec::new() });
            samples.values.push(Nanos(shifted));
        }
    }
    all.into_iter()
        .map(|(span, samples)| {
            let histogram = Histogram::of(samples.values)?;
            Ok((span.name().to_owned(), Shifted { shift: samples.shift, histogram }))
        })
        .collect()
}

/// A span of one order, later by the shift beside it.
fn value(
    span: WireSpan,
    of: &OrderStamps,
    order: &OrderSample,
    tape: &Tape,
    format: &WireFormat,
    longest: u32,
    one_way: &Basis,
) -> Option<(i64, Nanos)> {
    let (sof, convention) = match span {
        WireSpan::T2t(convention) => (of.t2t_wire()?, convention),
        WireSpan::Trader(convention) => (of.trader_wire()?, convention),
        WireSpan::TickOneWay => return one_way.span(of.tick_tx?, of.tick_rx?),
        WireSpan::OrderOneWay => return one_way.span(of.order_tx?, of.order_rx?),
    };
    if convention == Convention::SofSof {
        return Some((sof, Nanos::ZERO));
    }
    if sof < 0 {
        return None;
    }
    let (headers, speed) = (format.headers?, format.speed(span)?);
    let n = (order.order as usize).checked_rem(tape.orders())?;
    let frame = TickFrame { headers, tick: tape.trigger_len(n), trigger_end: *tape.trigger_ends().get(n)? };
    // No span is shorter than that of the start of the frame, so this makes none negative.
    let shift = TickFrame { headers, tick: longest, trigger_end: longest }.until(Convention::EofSof, speed);
    let before = i64::try_from(frame.until(convention, speed).0).ok()?;
    Some((sof.checked_sub(before)?.checked_add(i64::try_from(shift.0).ok()?)?, shift))
}
