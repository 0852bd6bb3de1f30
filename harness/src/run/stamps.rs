//! What came of the stamps of an attempt, for its record.

use tickcert_results::{
    certificate::{EndStamps, HwStamps, StampCounts},
    stamp::{Stamp, StampClock},
};

use super::{join::JoinedStamps, trial::Finished};

/// The record of an attempt's stamps; empty where none were taken.
pub(super) fn record(finished: &Finished) -> HwStamps {
    let Some(joined) = &finished.joined.stamps else { return HwStamps::default() };
    let ends = [&joined.exchange, &joined.trader];
    HwStamps {
        tx_coverage: least(ends, |end| &end.tx),
        rx_coverage: least(ends, |end| &end.rx),
        exchange: Some(joined.exchange.clone()),
        trader: Some(joined.trader.clone()),
        negative: negative(finished, joined),
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

/// Orders whose stamps contradict each other.
fn negative(finished: &Finished, joined: &JoinedStamps) -> u64 {
    let contradict = finished.joined.orders.iter().filter(|o| {
        let stamps = joined.of(o.order, o.packet);
        let one_way = |from: Option<Stamp>, to: Option<Stamp>| Some(finished.one_way.span(from?, to?)?.0);
        // One way is negative where it is so beyond the error of the clocks.
        let ways = [one_way(stamps.tick_tx, stamps.tick_rx), one_way(stamps.order_tx, stamps.order_rx)];
        [stamps.t2t_wire(), stamps.trader_wire()].iter().chain(&ways).any(|ns| ns.is_some_and(|ns| ns < 0))
    });
    contradict.count() as u64
}

/// Why none of an attempt's hardware stamps can be used, if so.
pub(super) fn unusable(finished: &Finished) -> Option<String> {
    let overflowed = finished.exchange.stamps_overflowed + finished.trader.stamps_overflowed;
    let lost = (overflowed > 0).then(|| format!("{overflowed} stamps found no room in the log"));
    let stamps = finished.joined.stamps.as_ref();
    let negative = stamps.map_or(0, |joined| negative(finished, joined));
    let contradict = (negative > 0)
        .then(|| format!("the stamps of {negative} orders contradict each other: what came later was stamped earlier"));
    let troubles: Vec<String> = finished
        .clocks
        .iter()
        .flat_map(|c| c.troubles.iter().cloned())
        .chain(finished.stamping_changed.iter().cloned())
        .chain(stamps.map(|joined| unread(finished, joined)).unwrap_or_default())
        .chain(lost)
        .chain(contradict)
        .collect();
    (!troubles.is_empty()).then(|| troubles.join("; "))
}

/// Clocks of stamps that were not read before and after the trial: nothing would show that they were set, or that a stamp
/// is of another time.
fn unread(finished: &Finished, joined: &JoinedStamps) -> Vec<String> {
    let mut clocks: Vec<StampClock> =
        [&joined.exchange, &joined.trader].into_iter().filter_map(|end| end.clock).collect();
    clocks.dedup();
    clocks
        .into_iter()
        .filter(|clock| matches!(clock, StampClock::Phc(_)) && !finished.clocks.iter().any(|c| c.clock == *clock))
        .map(|clock| {
            let why = finished
                .unread
                .iter()
                .find(|(c, _)| *c == clock)
                .map_or_else(String::new, |(_, why)| format!(": {why}"));
            format!("{clock} could not be read around the trial{why}")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use tickcert_results::time::{Nanos, Ticks};
    use tickcert_transports::api::{EndStamping, Stamping};

    use super::*;
    use crate::run::{
        join::{OrderSample, OrderStamps, ties::Tie, ties::Tied},
        one_way::Basis,
        stamp_clocks::record as clock_record,
        validity::tests::finished,
    };

    fn stamped(exchange: StampClock, trader: StampClock) -> JoinedStamps {
        let mut joined = JoinedStamps::default();
        (joined.exchange.clock, joined.trader.clock) = (Some(exchange), Some(trader));
        joined
    }

    fn read(clock: StampClock) -> Tied {
        let at = |raw| Ticks::new(raw).unwrap();
        let tie = |raw| Tie { counter: at(raw), system: at(raw), clock: at(raw), width: Nanos(40) };
        Tied { clock, before: tie(1), after: tie(1_000_000) }
    }

    #[test]
    fn stamps_of_a_clock_that_could_not_be_read_around_the_trial_are_unusable() {
        let [a, b] = [StampClock::Phc(3), StampClock::Phc(4)];
        let scale = tickcert_results::time::TickScale { ns_per_tick: 1.0 };
        let record = |clock| clock_record(&read(clock), [tickcert_results::stamp::Lock::Unknown; 2], scale);
        let mut trial = finished();
        trial.clocks = vec![record(a)];
        trial.joined.stamps = Some(stamped(a, b));
        assert_eq!(unusable(&trial).unwrap(), "/dev/ptp4 could not be read around the trial");
        trial.unread = vec![(b, "why; what to do".into())];
        assert_eq!(unusable(&trial).unwrap(), "/dev/ptp4 could not be read around the trial: why; what to do");
        assert_eq!(super::record(&trial).unusable, unusable(&trial));
        trial.clocks.push(record(b));
        assert_eq!(unusable(&trial), None);
        // One clock of both ends is named once, and what is no clock to be read is not missed.
        trial.clocks.clear();
        trial.joined.stamps = Some(stamped(a, a));
        assert_eq!(unusable(&trial).unwrap(), "/dev/ptp3 could not be read around the trial");
        trial.joined.stamps = Some(stamped(StampClock::Device, StampClock::Kernel));
        assert_eq!(unusable(&trial), None);
    }

    fn order(order: u32) -> OrderSample {
        OrderSample { order, packet: order * 10, due: Nanos::ZERO, sent_ns: 0, arrival_ns: 5_000, trader: Nanos(1_000) }
    }

    /// By one clock at both ends, whose error is none; the way is recorded a microsecond later.
    #[test]
    fn a_tick_that_arrives_before_it_leaves_by_more_than_the_clocks_error_contradicts_itself() {
        let clock = StampClock::Phc(3);
        let at = |raw| Some(Stamp::new(Ticks::new(raw).unwrap(), clock));
        let end = EndStamping { clock: Some(clock), transmit: true, receive: true };
        let mut trial = finished();
        trial.one_way = Basis::new(Some(Stamping { exchange: end, trader: end }), &[]);
        trial.joined.orders = vec![order(0)];
        for (arrived, negative) in [(4_100, 0), (3_900, 1)] {
            let mut joined = stamped(clock, clock);
            joined.put(0, 0, OrderStamps { tick_tx: at(5_000), tick_rx: at(arrived), ..OrderStamps::default() });
            trial.joined.stamps = Some(joined);
            assert_eq!(super::record(&trial).negative, negative, "{arrived}");
        }
    }

    #[test]
    fn stamps_of_a_repetition_in_which_an_order_arrives_before_its_tick_leaves_are_unusable() {
        let clock = StampClock::Device;
        let at = |raw| Some(Stamp::new(Ticks::new(raw).unwrap(), clock));
        let mut trial = finished();
        trial.joined.orders = (0..2).map(order).collect();
        for (arrived, negative) in [(2_500, 0), (1_999, 1)] {
            let mut joined = stamped(clock, clock);
            joined.put(0, 0, OrderStamps { tick_tx: at(1_000), order_rx: at(1_900), ..OrderStamps::default() });
            joined.put(1, 10, OrderStamps { tick_tx: at(2_000), order_rx: at(arrived), ..OrderStamps::default() });
            trial.joined.stamps = Some(joined);
            assert_eq!(super::record(&trial).negative, negative);
            let said = unusable(&trial);
            assert_eq!(said.is_some_and(|s| s.starts_with("the stamps of 1 orders contradict")), negative > 0);
        }
    }
}
