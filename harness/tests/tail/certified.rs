//! The tail by cause of a whole run, from the binary to the certificate, with orders enough for p99.99.

use std::fs;

use tickcert_results::certificate::Certificate;

use crate::support::{Home, can_measure, profiles};

const ORDERS: u32 = 12_000;

#[test]
fn every_tick_above_p99_9_has_one_cause_and_the_ten_slowest_are_told_one_by_one() {
    if !can_measure() {
        return;
    }
    let home = Home::new();
    let profile = profiles::seconds().replace("\"kernel-udp\", \"kernel-tcp\"", "\"kernel-udp\"");
    let profile = profile.replace("orders = 6000", &format!("orders = {ORDERS}"));
    assert!(profile.contains("12000") && !profile.contains("kernel-tcp"), "{profile}");
    home.write("many.toml", profile);
    home.run(&["certify", "--profile", "./many.toml", "--out", "out"]).expect(0);
    let text = fs::read_to_string(home.path("out/certificate.json")).unwrap();
    let certificate: Certificate = serde_json::from_str(&text).unwrap();
    let cell = &certificate.cells[0];
    let Some(tail) = &cell.tail else {
        let row = certificate.not_run.iter().find(|row| row.name == "tail by cause").expect("a row in its place");
        println!("SKIPPED: needs {}", row.needs);
        return;
    };
    assert!(tail.orders >= u64::from(ORDERS), "{}", tail.orders);
    let due = &cell.latency_ns.t2t_due;
    assert_eq!(tail.typical_ns, due.p50, "of the same samples as the cell");
    // The slowest may have had no stamps, or not have been looked at.
    if tail.without_stamps + tail.not_looked_at == 0 {
        assert_eq!(Some(tail.slowest[0].t2t_due_ns), due.max);
    }
    assert_eq!(tail.slow + tail.not_looked_at + tail.without_stamps, tail.orders / 1_000);
    assert_eq!(tail.causes.iter().map(|row| row.ticks).sum::<u64>(), tail.slow, "{:?}", tail.causes);
    assert_eq!(tail.slowest.len() as u64, tail.slow.min(10));
    assert!(tail.slowest.is_sorted_by(|a, b| a.t2t_due_ns >= b.t2t_due_ns));
    for tick in &tail.slowest {
        assert!(tail.causes.iter().any(|row| row.cause == tick.cause), "{:?} is in the table", tick.cause);
        assert!(Some(tick.t2t_due_ns) >= tail.above_ns, "{tick:?} is above {:?}", tail.above_ns);
    }
}
