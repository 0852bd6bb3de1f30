//! Profiles whose runs take seconds, on a host that may stall: no limit to latency, orders are late after long only.

/// Five repetitions of two lanes, some 550 packets and orders each; alone in that the host's parts are measured first.
pub(crate) fn tiny() -> String {
    profile("tiny", BOTH, 5, 100).replacen("machine = false\n", "", 1)
}

/// One short repetition of one lane.
pub(crate) fn once() -> String {
    profile("once", UDP, 1, 100)
}

/// One repetition of some two seconds of each lane.
pub(crate) fn seconds() -> String {
    profile("seconds", BOTH, 1, 6_000)
}

/// One short repetition of one lane, and of a sweep that is far from the lane's edge, so that a host may stall.
pub(crate) fn sweeping() -> String {
    let sweep = "[sweep]\nshares = [\"10 %\", \"40 %\"]\nidle = \"1000 packets/s\"\nresolution = \"50 %\"\ntrial = \"100 ms\"\n";
    let rate = "[[requirement]]\nid = \"rate-highest\"\nmetric = \"rate.highest\"\nlimit = \">= 1 packets/s\"\n";
    once().replace("name = \"once\"", "name = \"sweeping\"").replacen("[[load]]", &format!("{sweep}[[load]]"), 1) + rate
}

/// Half a minute, if nobody disturbs it.
pub(crate) fn long() -> String {
    profile("long", UDP, 20, 4_000)
}

const UDP: &str = r#""kernel-udp""#;
const BOTH: &str = r#""kernel-udp", "kernel-tcp""#;

fn profile(name: &str, lanes: &str, repetitions: u32, orders: u32) -> String {
    format!(
        r#"profile = 1
name = "{name}"
description = "For tests"
[run]
lanes = [{lanes}]
repetitions = {repetitions}
retries = 3
staged_repetitions = 0
machine = false
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
