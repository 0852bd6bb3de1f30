//! Every hand-off in one picture: from the median to the largest, with the intervals of the quantiles.

use maud::{Markup, html};

use super::{
    frame::{Entry, Frame, Key, Shape, mark, n},
    scale::Scale,
};
use crate::{
    certificate::{HandoffCell, HandoffComparison, HeldUp, Quantiles},
    report::text,
};

const ROW: f64 = 26.0;

const SHAPES: [(&str, &str, Shape); 4] = [
    ("p50", "p50", Shape::Circle),
    ("p99", "p99", Shape::Square),
    ("p99_9", "p99.9", Shape::Bar),
    ("max", "largest", Shape::Triangle),
];

/// What the colours mean, for the caption.
pub(in crate::report) const HANDOFF_MARKS: &str =
    "queues behind a lock are hollow, all others filled; the band is the 95 % interval.";

pub(in crate::report) fn handoffs(c: &HandoffComparison) -> Option<Markup> {
    let cells: Vec<&HandoffCell> = c.cells.iter().filter(|cell| cell.taken_due_ns.n > 0).collect();
    let values = || cells.iter().flat_map(|cell| shown(&cell.taken_due_ns));
    let lo = values().reduce(f64::min)?;
    let hi = values().reduce(f64::max)?;
    let frame = Frame {
        width: 940.0,
        height: 64.0 + ROW * cells.len() as f64,
        left: 190.0,
        right: 28.0,
        top: 24.0,
        bottom: 38.0,
        x: Scale::around(lo, hi),
        // Rows bring their own labels.
        y: Scale::Linear { hi: 1.0 },
    };
    let body = html! { @for (at, cell) in cells.iter().enumerate() { (row(&frame, cell, at)) } };
    let legend: Vec<Entry> = SHAPES
        .map(|(_, text, shape)| Entry { text, class: "due", key: Key::Mark(shape) })
        .into_iter()
        .chain([Entry { text: "behind a lock", class: "sent", key: Key::Mark(Shape::Circle) }])
        .collect();
    let title = "Hand-offs: median, 99 %, 99.9 % and largest of tick due until taken out";
    Some(frame.draw_rows(title, &legend, "tick due until taken out", &body))
}

fn shown(q: &Quantiles) -> impl Iterator<Item = f64> {
    let values = SHAPES.iter().filter_map(|(name, ..)| q.by_name(name)).map(|ns| ns.get() as f64);
    let intervals = SHAPES.iter().filter_map(|(name, ..)| q.ci95.get(*name)).flatten().copied();
    values.chain(intervals)
}

fn row(frame: &Frame, cell: &HandoffCell, at: usize) -> Markup {
    let y = frame.top + ROW * (at as f64 + 0.5);
    let class = if cell.held_up == HeldUp::Everybody { "sent" } else { "due" };
    let name: String = cell.name.chars().take(30).collect();
    let q = &cell.taken_due_ns;
    let x = |ns: f64| frame.px(frame.x.place(ns));
    let ends = SHAPES.iter().filter_map(|(name, ..)| q.by_name(name)).map(|ns| x(ns.get() as f64));
    let (from, to) = ends.fold((f64::MAX, f64::MIN), |(lo, hi), at| (lo.min(at), hi.max(at)));
    html! {
        text.end x=(n(frame.left - 10.0)) y=(n(y + 3.5)) { (name) }
        line.range.(class) x1=(n(from)) x2=(n(to)) y1=(n(y)) y2=(n(y)) {}
        @for (quantile, ..) in SHAPES {
            @if let Some([low, high]) = q.ci95.get(quantile) {
                rect.band x=(n(x(*low))) y=(n(y - 6.0)) width=(n((x(*high) - x(*low)).max(1.0))) height="12" {}
            }
        }
        @for (quantile, label, shape) in SHAPES {
            @if let Some(ns) = q.by_name(quantile) {
                (mark(shape, class, x(ns.get() as f64), y, &format!("{} {label}: {}", cell.name, text::duration(ns))))
            }
        }
    }
}
