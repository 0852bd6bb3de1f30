//! The share of orders above each latency (complementary distribution), both axes logarithmic, out to the largest.

use maud::{Markup, html};

use super::{
    frame::{Entry, Frame, Key, Shape, line, mark, n},
    scale::Scale,
};
use crate::report::{
    data::{CellView, Curve},
    text,
};

pub(in crate::report) fn ccdf(view: &CellView<'_>) -> Option<Markup> {
    let lo = view.curves().map(|c| c.range().0).reduce(f64::min)?;
    let hi = view.curves().map(|c| c.range().1).reduce(f64::max)?;
    let samples = view.curves().map(Curve::n).max()?;
    let decades = samples.ilog10() + u32::from(10_u64.pow(samples.ilog10()) < samples);
    let frame = Frame::half(
        Scale::around(lo, hi),
        Scale::Share {
            decades: decades.max(1),
        },
    );
    let body = html! {
        (few(&frame, samples))
        @for (class, name, curve) in [("due", "t2t_due", &view.due), ("sent", "t2t_sent", &view.sent)] {
            @if let Some(curve) = curve { (series(&frame, class, name, curve)) }
        }
    };
    let title = format!(
        "Share of orders above a latency, {}: t2t_due and t2t_sent",
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
        Entry {
            text: "largest",
            class: "max",
            key: Key::Mark(Shape::Triangle),
        },
    ];
    Some(frame.draw(&title, &legend, ["latency", "orders above"], &body))
}

/// Below this line fewer than ten samples speak.
fn few(frame: &Frame, samples: u64) -> Markup {
    let (top, bottom) = (
        frame.py(frame.y.place(10.0 / samples as f64)),
        frame.py(0.0),
    );
    let (left, right) = (frame.px(0.0), frame.px(1.0));
    html! {
        @if samples > 10 {
            rect.few x=(n(left)) y=(n(top)) width=(n(right - left)) height=(n(bottom - top)) {}
            text.inside x=(n(left + 5.0)) y=(n(bottom - 5.0)) { "fewer than 10 samples" }
        }
    }
}

/// A step for each place on the axis that can be told from the one before.
fn series(frame: &Frame, class: &str, name: &str, curve: &Curve) -> Markup {
    let (lo, hi) = curve.range();
    let mut last = frame.point(lo, 1.0);
    let mut points = vec![Some(last)];
    for (value, share) in curve.above().filter(|(_, share)| *share > 0.0) {
        let at = frame.point(value, share);
        if at.0 - last.0 >= 0.8 || at.1 - last.1 >= 0.8 {
            points.push(Some((at.0, last.1)));
            points.push(Some(at));
            last = at;
        }
    }
    // At the largest the share falls to nothing, which a logarithmic axis does not have.
    let end = (frame.point(hi, 1.0).0, last.1);
    points.push(Some(end));
    let tip = format!("{name}, largest: {}", text::duration_ns(hi));
    html! {
        (line(class, points))
        (mark(Shape::Triangle, class, end.0, end.1, &tip))
    }
}
