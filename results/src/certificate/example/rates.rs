//! Made-up searches for the highest rate without loss.

use crate::{
    certificate::{Cell, RateLimit, RateSearch, RateTrial, compare_to_kernel_udp},
    time::{Nanos, PerSecond},
};

/// One for each lane; the slower its orders, the lower its rate.
pub(super) fn of(cells: &[Cell]) -> Vec<RateSearch> {
    let mut searches: Vec<RateSearch> = cells.iter().enumerate().map(|(at, cell)| search(at, cell)).collect();
    compare_to_kernel_udp(&mut searches);
    searches
}

fn search(at: usize, cell: &Cell) -> RateSearch {
    let median = cell.latency_ns.t2t_sent.p50.map_or(10_000, Nanos::get).max(100);
    let highest = f64::from(u32::try_from(3_000_000_000 / median).unwrap_or(u32::MAX));
    let (limited_by, why) = if at.is_multiple_of(2) {
        (RateLimit::Trader, "orders took 12.0 ms longer at the end of the trial than at its beginning")
    } else {
        (RateLimit::Exchange, "the exchange could not keep its schedule: 96 % of the rate intended")
    };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "made-up packets of one second")]
    let trial = |rate: f64, held: bool| RateTrial {
        intended_pps: PerSecond(rate),
        achieved_pps: PerSecond(rate * if held { 0.9999 } else { 0.96 }),
        packets_sent: rate as u64,
        held,
        limited_by: (!held).then_some(limited_by),
        why: if held { vec![] } else { vec![why.to_owned()] },
        lag_growth_ns: Some(if held { -1_200 } else { 12_000_000 }),
        schedule_error_p99_ns: Nanos(if held { 140 } else { 40_000_000 }),
    };
    let steps = [(0.5, true), (1.0, true), (2.0, false), (1.41, false), (1.19, false), (1.09, false), (1.045, false)];
    RateSearch {
        lane: cell.lane.clone(),
        variant: cell.variant.clone(),
        order_channel: cell.order_channel,
        evidence: cell.evidence,
        evidence_why: cell.evidence_why.clone(),
        highest_pps: Some(PerSecond(highest)),
        highest_mps: Some(PerSecond(highest * 2.43)),
        highest_within_pass_pps: Some(PerSecond(highest)),
        fails_at_pps: Some(PerSecond(highest * 1.045)),
        resolution: 0.05,
        limited_by,
        why: why.to_owned(),
        ratio_to_kernel_udp: None,
        trial_ns: Nanos::SECOND,
        trials: steps
            .into_iter()
            .flat_map(|(factor, held)| [trial(highest * factor, held), trial(highest * factor, held)])
            .collect(),
    }
}
