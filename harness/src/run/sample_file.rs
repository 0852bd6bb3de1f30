//! The raw samples of an attempt, as a file.

use std::path::Path;

use anyhow::Result;
use tickcert_results::{
    certificate::EndStamps,
    evidence::Evidence,
    export::parquet::{NO_VALUE, ROWS_PER_GROUP, SampleColumns, SampleMeta, SampleWriter},
    stamp::Stamp,
    time::Nanos,
};
use tickcert_scenarios::{load::Schedule, tape::Tape};

use super::{
    join::{Joined, JoinedStamps, OrderSample, OrderStamps, STAGES},
    measured::Measured,
    repetition::Attempt,
};

/// Where an attempt's raw samples go, and what they are of.
#[derive(Clone, Debug)]
pub struct SampleFile<'a> {
    /// Folder of the certificate.
    pub folder: &'a Path,
    /// Path of the file below it.
    pub name: String,
    /// Title of the cell.
    pub lane: &'a str,
    /// What the stamps rest on.
    pub evidence: Evidence,
}

/// Writes the raw samples of an attempt, warm-up included.
pub(super) fn write_parquet(
    file: &SampleFile<'_>,
    attempt: &Attempt,
    tape: &Tape,
    schedule: &Schedule,
    joined: &Joined,
) -> Result<()> {
    let (warm_up, measured) = Measured::new(&joined.orders, schedule).marks(&joined.orders);
    let staged = !joined.stages.is_empty();
    let meta = SampleMeta {
        lane: file.lane.to_owned(),
        repetition: attempt.slot.repetition,
        attempt: attempt.number,
        evidence: file.evidence,
        tape_sha256: tape.sha256().to_owned(),
        stages: if staged { joined.legs.iter().map(|n| format!("{}_ns", STAGES[*n])).collect() } else { Vec::new() },
        stamps: joined.stamps.as_ref().map(|s| [&s.exchange, &s.trader].map(clock_of)),
    };
    let (per_pass, packets) = (narrow(tape.orders()), narrow(tape.packets()));
    let signed = |n: Nanos| i64::try_from(n.get()).unwrap_or(i64::MAX);
    let mut writer = SampleWriter::create(&file.folder.join(&file.name), &meta)?;
    // A row group at a time: all columns of all rows would be as much again as the orders themselves.
    let groups = joined.orders.chunks(ROWS_PER_GROUP);
    let marks = warm_up.chunks(ROWS_PER_GROUP).zip(measured.chunks(ROWS_PER_GROUP));
    for (orders, (warm_up, measured)) in groups.zip(marks) {
        let column = |of: &dyn Fn(&OrderSample) -> i64| orders.iter().map(of).collect::<Vec<i64>>();
        let index = |of: &dyn Fn(&OrderSample) -> u32| orders.iter().map(of).collect::<Vec<u32>>();
        let measured_legs = if staged { joined.legs.as_slice() } else { &[] };
        let stages: Vec<Vec<i64>> = measured_legs
            .iter()
            .map(|&n| column(&|o| joined.stages.get(&o.order).map_or(NO_VALUE, |legs| signed(legs[n]))))
            .collect();
        let stamps: Vec<Vec<i64>> = joined.stamps.as_ref().map(|s| stamps_of(s, orders)).unwrap_or_default();
        writer.write(&SampleColumns {
            order: &index(&|o| o.order % per_pass),
            pass: &index(&|o| o.packet / packets),
            packet: &index(&|o| o.packet % packets),
            due_ns: &column(&|o| signed(o.due)),
            sent_ns: &column(&|o| o.sent_ns),
            arrival_ns: &column(&|o| o.arrival_ns),
            t2t_sent_ns: &column(&|o| signed(o.t2t_sent())),
            t2t_due_ns: &column(&|o| signed(o.t2t_due())),
            trader_ns: &column(&|o| signed(o.trader)),
            warm_up,
            measured,
            stages: stages.iter().map(Vec::as_slice).collect(),
            stamps: stamps.iter().map(Vec::as_slice).collect(),
        })?;
    }
    Ok(writer.finish()?)
}

fn clock_of(end: &EndStamps) -> String {
    end.clock.map_or_else(|| "none".to_owned(), |clock| clock.to_string())
}

/// A column for each place of a stamp, as the file has them.
fn stamps_of(stamps: &JoinedStamps, orders: &[OrderSample]) -> Vec<Vec<i64>> {
    let places: [fn(&OrderStamps) -> Option<Stamp>; 4] = [|s| s.tick_tx, |s| s.tick_rx, |s| s.order_tx, |s| s.order_rx];
    let raw = |stamp: Stamp| i64::try_from(stamp.at.raw()).unwrap_or(NO_VALUE);
    let of = |order: &OrderSample| stamps.of(order.order, order.packet);
    places.iter().map(|place| orders.iter().map(|o| place(&of(o)).map_or(NO_VALUE, raw)).collect()).collect()
}

fn narrow(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX).max(1)
}
