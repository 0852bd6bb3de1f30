//! Latency by percentile, the nines spread out, t2t_due and t2t_sent in one picture.

use maud::{Markup, html};

use super::{
    frame::{Entry, Frame, Key, Shape, line, mark},
    scale::Scale,
};
use crate::report::{
    data::{CellView, Curve},
    text,
};

const TOP: f64 = 0.9999;
const POINTS: u32 = 220;

pub(in crate::report) fn percentiles(view: &CellView<'_>) -> Option<Markup> {
    let lo = view.curves().map(|c| c.range().0).reduce(f64::min)?;
    let hi = view
        .curves()
        .map(|c| c.at(c.highest().min(TOP)))
        .reduce(f64::max)?;
    let frame = Frame::half(Scale::Nines, Scale::around(lo, hi));
    let body = html! {
        @for (class, name, curve) in [("due", "t2t_due", &view.due), ("sent", "t2t_sent", &view.sent)] {
            @if let Some(curve) = curve { (series(&frame, class, name, curve)) }
        }
    };
    let title = format!(
        "Latency by percentile, {}: t2t_due and t2t_sent",
        view.cell.title()
    );
    let legend = [
        Entry {
            text: "t2t_due",
            class: "line due",
            key: Key::Line,
        },
        Entry {
            text: "t2t_sent",
            class: "line sent",
            key: Key::Line,
        },
    ];
    Some(frame.draw(&title, &legend, ["percentile of orders", "latency"], &body))
}

/// The curve as far as there are samples enough for it, with a mark where it ends early.
fn series(frame: &Frame, class: &str, name: &str, curve: &Curve) -> Markup {
    let end = curve.highest().min(TOP);
    let nines = -(1.0 - end).log10();
    let points = (0..=POINTS).map(|i| {
        let q = 1.0 - 10_f64.powf(-nines * f64::from(i) / f64::from(POINTS));
        let value = if i == 0 { curve.range().0 } else { curve.at(q) };
        Some(frame.point(q, value))
    });
    let (x, y) = frame.point(end, curve.at(end));
    let tip = format!(
        "{name} at {}: {}",
        text::percent(end),
        text::duration_ns(curve.at(end))
    );
    html! {
        (line(class, points))
        @if end < TOP { (mark(Shape::Bar, class, x, y, &tip)) }
    }
}
