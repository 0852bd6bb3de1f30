//! What became of each expected order, by the bytes that arrived.

use std::io;

use sha2::{Digest, Sha256};
use tickcert_results::{certificate::Counts, time::Ticks};
use tickcert_scenarios::{digest::hex, tape::Expected};

use crate::endpoint::samples::ExchangeSamples;

/// SHA-256 of all orders received, in order of arrival.
pub(super) fn received_sha256(exchange: &ExchangeSamples) -> io::Result<String> {
    let mut sha = Sha256::new();
    exchange.each_arrival(|arrival| sha.update(arrival.bytes().unwrap_or_default()))?;
    Ok(hex(&sha.finalize()))
}

/// What arrived for each expected order, first.
#[derive(Clone, Copy)]
pub(super) enum Fate {
    Nothing,
    Wrong,
    /// When, and as the how-manieth of all arrivals.
    Arrived(Ticks, u32),
}

pub(super) struct Fates {
    pub(super) first: Vec<Fate>,
    pub(super) counts: Counts,
}

impl Fates {
    pub(super) fn new(expected: &Expected<'_>, exchange: &ExchangeSamples) -> io::Result<Self> {
        let mut counts = Counts {
            expected_orders: expected.len() as u64,
            received_orders: exchange.arrivals(),
            ..Counts::default()
        };
        let mut first = vec![Fate::Nothing; expected.len()];
        let mut next = 0;
        exchange.each_arrival(|arrival| {
            let place = next;
            next += 1;
            let bytes = arrival.bytes().unwrap_or_default();
            let Some((n, slot)) = expected.index(bytes).and_then(|n| Some((n, first.get_mut(n)?))) else {
                counts.unexpected += 1;
                return;
            };
            if !matches!(slot, Fate::Nothing) {
                counts.duplicate += 1;
                return;
            }
            *slot = match arrival.at() {
                Some(at) if expected.is(n, bytes) => Fate::Arrived(at, place),
                _ => Fate::Wrong,
            };
        })?;
        Ok(Self { first, counts })
    }
}
