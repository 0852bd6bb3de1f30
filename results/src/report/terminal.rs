//! The certificate in a few lines for a terminal.

mod matrix;

use std::fmt::Write;

use crate::{
    certificate::{Certificate, Quantiles},
    time::{Nanos, SignedNanos},
};

/// Wider lines are not read well.
const WIDEST: usize = 100;
const NARROWEST: usize = 60;

const COLUMNS: [(&str, &str); 4] = [("p50", "p50"), ("p99", "p99"), ("p99.9", "p99_9"), ("max", "max")];

/// Verdict, reasons, quantiles of each lane and what did not run, in lines of at most `width` columns (60 to 100).
///
/// Control characters of texts that others wrote are left out, so that they can't drive the terminal.
#[must_use]
pub fn render_terminal(certificate: &Certificate, width: usize) -> String {
    let width = width.clamp(NARROWEST, WIDEST);
    let c = certificate;
    let mut out = String::new();
    let head = format!("{}  {}  profile {}", c.verdict.name().to_uppercase(), c.sut.label, c.profile.name);
    wrap(&mut out, "", &head, width);
    if c.interrupted {
        wrap(&mut out, "  ! ", "interrupted: what stands here is what there was by then", width);
    }
    for reason in &c.reasons {
        wrap(&mut out, "  - ", reason, width);
    }
    lanes(&mut out, c, width);
    for matrix in &c.placements {
        matrix::render(&mut out, matrix, width);
    }
    stamps(&mut out, c, width);
    tails(&mut out, c, width);
    rates(&mut out, c, width);
    if !c.not_run.is_empty() {
        out.push_str("\nnot run\n");
        for n in &c.not_run {
            wrap(
                &mut out,
                "  - ",
                &format!(
                    "{} {}{}: needs {}",
                    n.kind.name(),
                    n.name,
                    if n.optional { " (optional)" } else { "" },
                    n.needs
                ),
                width,
            );
        }
    }
    out
}

/// A table for each class of evidence, strongest first.
fn lanes(out: &mut String, c: &Certificate, width: usize) {
    // Those of a matrix stand in a table of their own.
    let shown = || c.cells.iter().filter(|cell| c.placements.is_empty() || cell.placement.class.is_none());
    let mut classes: Vec<_> = shown().map(|c| c.evidence).collect();
    classes.sort_unstable_by(|a, b| b.cmp(a));
    classes.dedup();
    // Metric and four values take 9 + 4 * 10 columns; the rest is for the lane.
    let name = (width - 49).min(40);
    for class in classes {
        out.push('\n');
        wrap(out, "", &format!("{}: {}", class.name().to_uppercase(), class.meaning()), width);
        let mut head = format!("{:<name$}{:<9}", "lane", "");
        for (title, _) in COLUMNS {
            let _ = write!(head, "{title:>10}");
        }
        line(out, &head);
        for cell in shown().filter(|c| c.evidence == class) {
            let title = clip(&clean(&cell.title()), name - 1);
            row(out, &title, name, "t2t_due", &cell.latency_ns.t2t_due);
            row(out, "", name, "t2t_sent", &cell.latency_ns.t2t_sent);
        }
    }
}

/// The spans between hardware stamps of each lane, or why there are none though the profile wants them.
fn stamps(out: &mut String, c: &Certificate, width: usize) {
    let cells: Vec<_> = c.cells.iter().filter_map(|cell| Some((cell, cell.stamps.as_ref()?))).collect();
    if cells.is_empty() {
        return;
    }
    out.push_str("\nhardware stamps\n");
    for (cell, stamps) in cells {
        let title = format!("{} ({}), {}", cell.title(), cell.evidence, cell.load.text);
        let shown = ["t2t_wire", "trader_wire"].iter().filter_map(|name| {
            let q = cell.latency_ns.wire.get(*name)?;
            let value = |v: Option<SignedNanos>| v.map_or_else(|| "-".to_owned(), |v| v.to_string());
            Some(format!("{name} p50 {}, p99 {}", value(q.p50), value(q.p99)))
        });
        let shown: Vec<String> = shown.collect();
        let why = stamps.not_certifiable.as_ref().or(stamps.fallback.as_ref());
        let said = why
            .cloned()
            .unwrap_or_else(|| if shown.is_empty() { "no span is known".to_owned() } else { shown.join("; ") });
        wrap(out, "  - ", &format!("{title}: {said}"), width);
    }
}

/// Why the slowest ticks of each lane were slow: the causes with the most time.
fn tails(out: &mut String, c: &Certificate, width: usize) {
    /// Further ones are in the report.
    const SHOWN: usize = 4;
    let cells: Vec<_> = c.cells.iter().filter_map(|cell| Some((cell, cell.tail.as_ref()?))).collect();
    if cells.is_empty() {
        return;
    }
    out.push_str("\nwhy the slowest ticks were slow\n");
    for (cell, tail) in cells {
        let lower = |by: Option<Nanos>| by.map(|by| format!(", {by} of p99.9")).unwrap_or_default();
        let causes = tail.causes.iter().take(SHOWN);
        let causes: Vec<_> = causes.map(|r| format!("{} x {}{}", r.ticks, r.cause, lower(r.p99_9_ns))).collect();
        let more = tail.causes.len().saturating_sub(SHOWN);
        let more = if more > 0 { format!("; {more} more causes") } else { String::new() };
        let head = format!("{}, {}, {} above p99.9", cell.title(), cell.load.text, tail.slow);
        wrap(out, "  - ", &format!("{head}: {}{more}", causes.join("; ")), width);
    }
}

/// The highest rate without loss of each lane, where it was searched for.
fn rates(out: &mut String, c: &Certificate, width: usize) {
    if c.rates.is_empty() {
        return;
    }
    out.push_str("\nhighest rate without loss\n");
    for search in &c.rates {
        let found = search.highest_pps.map_or_else(
            || format!("none held: {}", search.why),
            |rate| {
                let times = search.ratio_to_kernel_udp.map(|r| format!(", {r:.2} x kernel-udp")).unwrap_or_default();
                format!("{:.0} packets/s{times}; limited by the {}", rate.0, search.limited_by)
            },
        );
        wrap(out, "  - ", &format!("{} ({}): {found}", search.title(), search.evidence), width);
    }
}

fn row(out: &mut String, title: &str, name: usize, metric: &str, q: &Quantiles) {
    let mut text = format!("{title:<name$}{metric:<9}");
    for (_, key) in COLUMNS {
        let value = match (q.by_name(key), q.needs_more.get(key)) {
            (Some(v), _) => short(v),
            (None, Some(more)) => format!("+{} n", thousands(*more)),
            (None, None) => "-".to_owned(),
        };
        let _ = write!(text, "{value:>10}");
    }
    line(out, &text);
}

fn line(out: &mut String, text: &str) {
    out.push_str(text.trim_end());
    out.push('\n');
}

/// Never wider than nine columns.
fn short(v: Nanos) -> String {
    v.to_string()
}

fn thousands(n: u64) -> String {
    match n {
        0..10_000 => n.to_string(),
        10_000..10_000_000 => format!("{}k", n.div_ceil(1_000)),
        _ => format!("{}M", n.div_ceil(1_000_000)),
    }
}

/// Without control characters and marks that turn the direction of text.
fn clean(text: &str) -> String {
    let turns = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().filter(|c| !c.is_control() && !turns(*c)).collect()
}

fn clip(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(width.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

/// Breaks between words, and inside a word that is wider than a line; further lines are indented like the first.
fn wrap(out: &mut String, lead: &str, text: &str, width: usize) {
    let room = width.saturating_sub(lead.chars().count()).max(1);
    let indent = " ".repeat(lead.chars().count());
    let mut lines: Vec<String> = vec![String::new()];
    let mut used = 0;
    for word in clean(text).split_whitespace() {
        let mut letters: Vec<char> = word.chars().collect();
        if used > 0 && used + 1 + letters.len() > room {
            lines.push(String::new());
            used = 0;
        }
        while letters.len() > room {
            let rest = letters.split_off(room);
            lines.push(letters.into_iter().collect());
            lines.push(String::new());
            letters = rest;
        }
        if let Some(last) = lines.last_mut() {
            if used > 0 {
                last.push(' ');
                used += 1;
            }
            used += letters.len();
            last.extend(letters);
        }
    }
    let full = lines.iter().filter(|l| !l.is_empty());
    for (at, text) in full.enumerate() {
        out.push_str(if at == 0 { lead } else { &indent });
        line(out, text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificate::example;

    #[test]
    fn no_line_is_wider_than_asked_for() {
        for (name, certificate) in example::all() {
            for width in [60, 80, 100, 300] {
                let text = render_terminal(&certificate, width);
                let widest = text.lines().map(|l| l.chars().count()).max().unwrap();
                assert!(widest <= width.min(100), "{name} at {width}: {widest}\n{text}");
            }
        }
    }

    #[test]
    fn the_verdict_comes_first_and_what_did_not_run_last() {
        let text = render_terminal(&example::not_certifiable(), 100);
        assert!(text.starts_with("NOT-CERTIFIABLE"), "{text}");
        assert!(text.lines().last().unwrap().contains("PMU") || text.contains("- probe"), "{text}");
    }

    #[test]
    fn what_others_wrote_can_not_drive_the_terminal() {
        let mut certificate = example::hostile();
        certificate.reasons.push("\u{1b}[2Jgone".to_owned());
        let text = render_terminal(&certificate, 80);
        assert!(text.chars().all(|c| c == '\n' || !c.is_control()) && !text.contains('\u{202e}'));
    }
}
