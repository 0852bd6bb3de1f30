//! All lanes of one class of evidence in one picture: from the median to the largest.

use maud::{Markup, html};

use super::{
    frame::{Entry, Frame, Key, Shape, mark, n},
    scale::Scale,
};
use crate::{
    certificate::Quantiles,
    report::{
        data::{CellView, Group},
        text,
    },
    time::Nanos,
};

const ROW: f64 = 34.0;

const SHAPES: [(&str, Shape); 4] = [
    ("p50", Shape::Circle),
    ("p99", Shape::Square),
    ("p99_9", Shape::Bar),
    ("max", Shape::Triangle),
];

pub(in crate::report) fn overview(group: &Group<'_>) -> Option<Markup> {
    let cells: Vec<_> = group
        .cells
        .iter()
        .filter(|c| c.cell.latency_ns.t2t_due.n > 0)
        .collect();
    let values = || {
        cells
            .iter()
            .flat_map(|c| [&c.cell.latency_ns.t2t_due, &c.cell.latency_ns.t2t_sent])
            .flat_map(shown)
    };
    let (lo, hi) = (values().min()?, values().max()?);
    let frame = Frame {
        width: 940.0,
        height: 64.0 + ROW * cells.len() as f64,
        left: 200.0,
        right: 20.0,
        top: 24.0,
        bottom: 38.0,
        x: Scale::around(lo.get() as f64, hi.get() as f64),
        // Rows bring their own labels.
        y: Scale::Linear { hi: 1.0 },
    };
    let body = html! {
        @for (row, view) in cells.iter().enumerate() { (lane(&frame, view, row)) }
    };
    let title = format!(
        "All lanes on {} evidence: median, 99 %, 99.9 % and largest",
        group.evidence
    );
    let mut legend = Vec::from(SHAPES.map(|(name, shape)| Entry {
        text: label(name),
        class: "due",
        key: Key::Mark(shape),
    }));
    legend.push(Entry {
        text: "t2t_sent (hollow)",
        class: "sent",
        key: Key::Mark(Shape::Circle),
    });
    Some(frame.draw_rows(&title, &legend, "latency", &body))
}

fn label(name: &str) -> &'static str {
    match name {
        "p50" => "t2t_due p50",
        "p99" => "p99",
        "p99_9" => "p99.9",
        _ => "largest",
    }
}

fn shown(q: &Quantiles) -> impl Iterator<Item = Nanos> {
    SHAPES.iter().filter_map(|(name, _)| q.by_name(name))
}

fn lane(frame: &Frame, view: &CellView<'_>, row: usize) -> Markup {
    let middle = frame.top + ROW * (row as f64 + 0.5);
    let title: String = view.cell.title().chars().take(30).collect();
    let load: String = view.cell.load.text.chars().take(34).collect();
    html! {
        text.end x=(n(frame.left - 10.0)) y=(n(middle)) { (title) }
        text.end.dim.small x=(n(frame.left - 10.0)) y=(n(middle + 12.0)) { (load) }
        (range(frame, "due", "t2t_due", &view.cell.latency_ns.t2t_due, middle - 6.0))
        (range(frame, "sent", "t2t_sent", &view.cell.latency_ns.t2t_sent, middle + 6.0))
    }
}

fn range(frame: &Frame, class: &str, name: &str, q: &Quantiles, y: f64) -> Markup {
    let x = |v: Nanos| frame.px(frame.x.place(v.get() as f64));
    html! {
        @if let (Some(from), Some(to)) = (shown(q).min(), shown(q).max()) {
            line.line.thin class=(class) x1=(n(x(from))) x2=(n(x(to))) y1=(n(y)) y2=(n(y)) {}
        }
        @for (quantile, shape) in SHAPES {
            @if let Some(value) = q.by_name(quantile) {
                (mark(shape, class, x(value), y, &format!("{name} {}: {}", text::quantile(quantile), text::duration(value))))
            }
        }
    }
}
