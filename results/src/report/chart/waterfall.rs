//! Where the time inside the trader goes: each stage begins where the one before it ends.

use maud::{Markup, html};

use super::{
    frame::{Frame, n, svg},
    scale::Scale,
};
use crate::{
    certificate::{Cell, Quantiles},
    report::{data::stage_order, text},
};

const ROW: f64 = 21.0;
const BAR: f64 = 12.0;

pub(in crate::report) fn waterfall(cell: &Cell) -> Option<Markup> {
    let stages = &cell.latency_ns.stages;
    let mut start = 0.0;
    let mut bars = Vec::new();
    for name in stage_order(stages.keys()) {
        let Some(q) = stages.get(name) else { continue };
        if let Some(p50) = q.p50 {
            let median = p50.get() as f64;
            let p99 = q.p99.map_or(median, |p| p.get() as f64).max(median);
            bars.push(Bar { name, start, median, p99, q });
            start += median;
        }
    }
    let end = bars.iter().map(|b| b.start + b.p99).reduce(f64::max)?;
    let rows = bars.len() + usize::from(cell.stamp_cost_ns.is_some());
    let frame = Frame {
        width: 940.0,
        height: 44.0 + ROW * rows as f64,
        left: 86.0,
        right: 190.0,
        top: 8.0,
        bottom: 36.0,
        x: Scale::Linear { hi: end.max(1.0) },
        y: Scale::Linear { hi: 1.0 },
    };
    let title = format!("Stages from the tick to its order, {}: median and 99 %", cell.title());
    let bottom = frame.py(0.0);
    Some(svg(
        frame.width,
        frame.height,
        &title,
        &html! {
            g.grid {
                @for t in frame.x.ticks() {
                    @let x = frame.px(t.at);
                    line x1=(n(x)) x2=(n(x)) y1="4" y2=(n(bottom)) {}
                    text.middle x=(n(x)) y=(n(bottom + 15.0)) { (t.label) }
                }
            }
            text.name.middle x=(n(frame.px(0.5))) y=(n(frame.height - 4.0)) { "from the departure of the tick at the exchange; dark: median, light: to 99 %" }
            @for (row, bar) in bars.iter().enumerate() { (bar.draw(&frame, row)) }
            @if let Some(cost) = cell.stamp_cost_ns { (stamp(&frame, bars.len(), cost)) }
        },
    ))
}

struct Bar<'a> {
    name: &'a str,
    start: f64,
    median: f64,
    p99: f64,
    q: &'a Quantiles,
}

impl Bar<'_> {
    fn draw(&self, frame: &Frame, row: usize) -> Markup {
        let x = |v: f64| frame.px(frame.x.place(v));
        let (from, to, far) = (x(self.start), x(self.start + self.median), x(self.start + self.p99));
        let y = top(frame, row);
        let p99 = self.q.p99.map_or("too few samples for p99".to_owned(), |p| format!("p99 {}", text::duration(p)));
        html! {
            text.end x=(n(frame.left - 8.0)) y=(n(y + BAR - 2.0)) { (short(self.name)) }
            rect.stage x=(n(from)) y=(n(y)) width=(n((to - from).max(1.0))) height=(n(BAR)) {}
            rect.tail x=(n(to)) y=(n(y + 3.0)) width=(n(far - to)) height=(n(BAR - 6.0)) {}
            text x=(n(frame.px(1.0) + 8.0)) y=(n(y + BAR - 2.0)) {
                "p50 " (text::duration_ns(self.median)) " · " (p99)
            }
        }
    }
}

/// As long as one stamp takes: each stage holds one.
fn stamp(frame: &Frame, row: usize, cost: f64) -> Markup {
    let y = top(frame, row);
    let width = frame.px(frame.x.place(cost)) - frame.px(0.0);
    html! {
        text.end.dim x=(n(frame.left - 8.0)) y=(n(y + BAR - 2.0)) { "one stamp" }
        rect.stamp x=(n(frame.px(0.0))) y=(n(y)) width=(n(width.max(1.0))) height=(n(BAR)) {}
        text.dim x=(n(frame.px(1.0) + 8.0)) y=(n(y + BAR - 2.0)) { (text::duration_ns(cost)) " in each stage" }
    }
}

fn top(frame: &Frame, row: usize) -> f64 {
    frame.top + ROW * row as f64 + (ROW - BAR) / 2.0
}

/// The part of a name that has room.
fn short(name: &str) -> String {
    match name.char_indices().nth(13) {
        Some((at, _)) => format!("{}…", &name[..at]),
        None => name.to_owned(),
    }
}
