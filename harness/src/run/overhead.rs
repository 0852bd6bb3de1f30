//! What measuring itself costs: a stamp, and the recording of one event. Measured in every run, printed, never
//! subtracted.

use tickcert_probes::clocks::tsc;
use tickcert_results::{certificate::Probes, time::TickScale};

use crate::endpoint::samples::ArrivalLog;

const BATCHES: usize = 201;
const BATCH: u32 = 1000;

/// Measures both, as medians over batches.
pub fn measure(probes: &mut Probes, scale: TickScale) {
    let stamp = per_event(scale, || {
        std::hint::black_box(tsc::now());
    });
    let mut log = ArrivalLog::with_room(BATCHES * BATCH as usize);
    let order = [0x55; 56];
    let record = per_event(scale, || log.push(tsc::arrival(), std::hint::black_box(&order)));
    probes.stamp_cost_ns = Some(stamp);
    probes.record_cost_ns = Some(record);
}

#[expect(clippy::cast_precision_loss, reason = "a batch takes far less than 2^53 ns")]
fn per_event(scale: TickScale, mut event: impl FnMut()) -> f64 {
    let mut batches: Vec<i64> = (0..BATCHES)
        .map(|_| {
            let before = tsc::now();
            for _ in 0..BATCH {
                event();
            }
            scale.signed_ns(tsc::now().since(before))
        })
        .collect();
    batches.sort_unstable();
    batches[BATCHES / 2] as f64 / f64::from(BATCH)
}
