//! What came of the stamps of an attempt, for its record.

use tickcert_results::certificate::{EndStamps, HwStamps, StampCounts};

use super::trial::Finished;

/// The record of an attempt's stamps; empty where none were taken.
pub(super) fn record(finished: &Finished) -> HwStamps {
    let Some(joined) = &finished.joined.stamps else { return HwStamps::default() };
    let ends = [&joined.exchange, &joined.trader];
    let negative = finished.joined.orders.iter().filter(|o| {
        let stamps = joined.of(o.order, o.packet);
        [stamps.t2t_wire(), stamps.trader_wire()].iter().any(|ns| ns.is_some_and(|ns| ns < 0))
    });
    HwStamps {
        tx_coverage: least(ends, |end| &end.tx),
        rx_coverage: least(ends, |end| &end.rx),
        exchange: Some(joined.exchange.clone()),
        trader: Some(joined.trader.clone()),
        negative: negative.count() as u64,
        clocks: finished.clocks.clone(),
        one_way: finished.one_way.record.clone(),
        unusable: unusable(finished),
    }
}

/// The smaller coverage of the ends where hardware stamps.
fn least(ends: [&EndStamps; 2], of: fn(&EndStamps) -> &StampCounts) -> Option<f64> {
    let stamping = ends.into_iter().filter(|end| end.clock.is_some());
    stamping.filter_map(|end| of(end).coverage()).min_by(f64::total_cmp)
}

/// Why none of an attempt's hardware stamps can be used, if so.
pub(super) fn unusable(finished: &Finished) -> Option<String> {
    let overflowed = finished.exchange.stamps_overflowed + finished.trader.stamps_overflowed;
    let lost = (overflowed > 0).then(|| format!("{overflowed} stamps found no room in the log"));
    let troubles: Vec<String> = finished
        .clocks
        .iter()
        .flat_map(|c| c.troubles.iter().cloned())
        .chain(finished.stamping_changed.iter().cloned())
        .chain(lost)
        .collect();
    (!troubles.is_empty()).then(|| troubles.join("; "))
}
