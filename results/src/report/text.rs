//! How numbers are written.

use crate::{
    certificate::{Handoff, MessageBytes},
    time::Nanos,
};

/// Narrow, and never a place to break a line.
const SPACE: char = '\u{202f}';

/// What there is to say of the queues between the trader's threads: `rtrb, room for 4 096, messages of 64 bytes`.
pub(super) fn queue(handoff: &Handoff, took: &[MessageBytes]) -> String {
    let room = match handoff {
        Handoff::Queue { capacity: Some(n), .. } => format!(", room for {}", count(*n)),
        Handoff::Queue { capacity: None, .. } => ", without bounds".to_owned(),
        Handoff::Inline => String::new(),
    };
    let messages = handoff.messages(took).map(|messages| format!(", {messages}")).unwrap_or_default();
    format!("{}{room}{messages}", handoff.name())
}

/// With digits in groups of three: `61 204`.
pub(super) fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() * 2);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(SPACE);
        }
        out.push(digit);
    }
    out
}

/// Four significant digits, none after the point that are not known.
pub(super) fn significant(value: f64) -> String {
    let decimals = match value.abs() {
        v if v < 9.9995 => 3,
        v if v < 99.995 => 2,
        v if v < 999.95 => 1,
        v if v < 1e15 => return whole(value),
        _ => return format!("{value:e}"),
    };
    format!("{value:.decimals$}")
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "called below 1e15, and the sign is put in front"
)]
fn whole(value: f64) -> String {
    let sign = if value < 0.0 { "-" } else { "" };
    format!("{sign}{}", count(value.abs().round() as u64))
}

/// In microseconds, without the unit: a table has one unit.
pub(super) fn micros(n: Nanos) -> String {
    significant(n.get() as f64 / 1e3)
}

/// With the unit that keeps it readable: `850 ns`, `8.53 µs`.
pub(super) fn duration(n: Nanos) -> String {
    duration_ns(n.get() as f64)
}

/// As [`duration`], for a value that may be a fraction of a nanosecond.
pub(super) fn duration_ns(ns: f64) -> String {
    let (value, unit) = match ns.abs() {
        v if v < 999.5 => (ns, "ns"),
        v if v < 999.5e3 => (ns / 1e3, "µs"),
        v if v < 999.5e6 => (ns / 1e6, "ms"),
        _ => (ns / 1e9, "s"),
    };
    if unit == "ns" && (ns.fract() == 0.0 || ns.abs() >= 100.0) {
        return format!("{value:.0}{SPACE}{unit}");
    }
    let decimals = match value.abs() {
        v if v < 9.995 => 2,
        v if v < 99.95 => 1,
        _ => 0,
    };
    format!("{value:.decimals$}{SPACE}{unit}")
}

/// For an axis: a tick's value without noughts that say nothing.
pub(super) fn tick(ns: f64) -> String {
    let (value, unit) = match ns.abs() {
        v if v < 1e3 => (ns, "ns"),
        v if v < 1e6 => (ns / 1e3, "µs"),
        v if v < 1e9 => (ns / 1e6, "ms"),
        _ => (ns / 1e9, "s"),
    };
    // Rounded, because 2e-6 * 1e3 is not quite 2e-3.
    format!("{}{SPACE}{unit}", (value * 1e6).round() / 1e6)
}

/// A measured value with its unit as profiles name it.
pub(super) fn measured(value: f64, unit: &str) -> String {
    match unit {
        "ns" => duration_ns(value),
        "" | "count" => significant_or_whole(value),
        "ratio" => significant(value),
        other => format!("{}{SPACE}{other}", significant_or_whole(value)),
    }
}

fn significant_or_whole(value: f64) -> String {
    if value.fract() == 0.0 && value.abs() < 1e15 { whole(value) } else { significant(value) }
}

/// A share of one as a percentage.
pub(super) fn percent(share: f64) -> String {
    let value = share * 100.0;
    let shown = match value.abs() {
        v if v < 0.1 => format!("{value:.3}"),
        v if v < 10.0 => format!("{value:.2}"),
        _ => format!("{value:.1}"),
    };
    format!("{shown}{SPACE}%")
}

/// A quantile's name for people: `p99_9` is `p99.9`.
pub(super) fn quantile(name: &str) -> String {
    name.replace('_', ".")
}

/// Bytes by powers of two: `48 KiB`, `32 MiB`.
pub(super) fn bytes(n: u64) -> String {
    match n {
        0..1024 => format!("{n}{SPACE}B"),
        1024..1_048_576 => format!("{}{SPACE}KiB", n >> 10),
        1_048_576..1_073_741_824 => format!("{}{SPACE}MiB", n >> 20),
        _ => format!("{}{SPACE}GiB", n >> 30),
    }
}

/// A rate, whole.
pub(super) fn rate(rate: crate::time::PerSecond) -> String {
    significant_or_whole(rate.0.round())
}

/// `1 lane`, `2 lanes`.
pub(super) fn plural(n: usize, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> String {
        text.replace(SPACE, " ")
    }

    #[test]
    fn digits_stand_in_groups_of_three() {
        assert_eq!(plain(&count(7)), "7");
        assert_eq!(plain(&count(612_040)), "612 040");
        assert_eq!(plain(&count(1_000_000)), "1 000 000");
    }

    #[test]
    fn durations_take_the_unit_that_keeps_them_readable() {
        let shown = [850, 8_530, 12_000_000, 1_500_000_000].map(|n| plain(&duration(Nanos(n))));
        assert_eq!(shown, ["850 ns", "8.53 µs", "12.0 ms", "1.50 s"]);
        assert_eq!(plain(&duration_ns(11.4)), "11.4 ns");
        assert_eq!(plain(&duration(Nanos(999_999))), "1.00 ms");
    }

    #[test]
    fn a_table_shows_four_digits() {
        assert_eq!(micros(Nanos(8_534)), "8.534");
        assert_eq!(micros(Nanos(31_207)), "31.21");
        assert_eq!(plain(&micros(Nanos(12_345_678))), "12 346");
    }

    #[test]
    fn ticks_carry_no_noise() {
        let shown = [1.0, 20.0, 500.0, 2_000.0, 5e6].map(|v| plain(&tick(v)));
        assert_eq!(shown, ["1 ns", "20 ns", "500 ns", "2 µs", "5 ms"]);
    }
}
