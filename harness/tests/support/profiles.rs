//! Profiles whose runs take seconds, on a host that may stall: no limit to latency, orders are late after long only.

/// Five repetitions of two lanes, some 550 packets and orders each.
pub(crate) fn tiny() -> String {
    profile("tiny", 5, 100)
}

/// One repetition of each lane.
pub(crate) fn once() -> String {
    profile("once", 1, 100)
}

/// Repetitions of some ten seconds, so that there is time to disturb them.
pub(crate) fn long() -> String {
    profile("long", 5, 40_000)
}

fn profile(name: &str, repetitions: u32, orders: u32) -> String {
    format!(
        r#"profile = 1
name = "{name}"
description = "For tests"
[run]
lanes = ["kernel-udp", "kernel-tcp"]
repetitions = {repetitions}
retries = 3
staged_repetitions = 0
seed = 1
orders_late_after = "5 s"
stall = "200 ms"
[window]
orders = {orders}
max_duration = "60 s"
[tape]
seed = 7
symbols = 2
messages = 5000
[strategy]
kind = "first-byte"
quantity = 100
[noise]
duration = "50 ms"
threshold = "1 us"
[[load]]
mode = "constant"
rate = "5000 packets/s"
[[requirement]]
id = "orders-lost"
text = "No order is lost"
metric = "orders.lost"
limit = "== 0"
[[requirement]]
id = "orders-digest"
text = "The digest of the orders received is that of the tape"
metric = "orders.digest"
limit = "== tape"
[[requirement]]
id = "evidence"
text = "The numbers were measured, not simulated"
metric = "evidence"
limit = ">= emulated"
"#
    )
}
