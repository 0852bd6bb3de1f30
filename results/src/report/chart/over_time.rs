//! Latency over time: the measured windows of the valid repetitions, one after another in the order of the run.

use maud::{Markup, html};

use super::{
    frame::{Entry, Frame, Key, Shape, line, n},
    scale::Scale,
};
use crate::{
    certificate::{Repetition, TimeBucket},
    report::data::CellView,
    time::Nanos,
};

/// More windows than this and not each is labelled.
const LABELS: usize = 16;

pub(in crate::report) fn over_time(view: &CellView<'_>) -> Option<Markup> {
    let mut windows: Vec<&Repetition> = view
        .cell
        .valid()
        .filter(|r| !r.over_time.is_empty())
        .collect();
    windows.sort_by_key(|r| (r.position, r.repetition, r.attempt));
    let filled = || {
        windows
            .iter()
            .flat_map(|r| &r.over_time)
            .filter(|b| b.n > 0)
    };
    let lo = filled().map(|b| b.p50_ns).min()?;
    let hi = filled().map(|b| b.max_ns).max()?;
    let frame = Frame::half(
        Scale::Linear { hi: 1.0 },
        Scale::around(lo.get() as f64, hi.get() as f64),
    );
    let every = windows.len().div_ceil(LABELS);
    let body = html! {
        @for (at, window) in windows.iter().enumerate() {
            (draw(&frame, window, at, windows.len(), at.is_multiple_of(every)))
        }
    };
    let title = format!(
        "t2t_due over time, {}: median, 99 % and largest of each slice",
        view.cell.title()
    );
    let legend = [
        Entry {
            text: "p50",
            class: "line due",
            key: Key::Line,
        },
        Entry {
            text: "p99",
            class: "line due thin",
            key: Key::Line,
        },
        Entry {
            text: "largest",
            class: "due small",
            key: Key::Mark(Shape::Circle),
        },
    ];
    Some(frame.draw_columns(
        &title,
        &legend,
        [
            "measured windows of repetitions, one after another",
            "t2t_due",
        ],
        &body,
    ))
}

fn draw(frame: &Frame, window: &Repetition, at: usize, of: usize, labelled: bool) -> Markup {
    let (start, width) = (at as f64 / of as f64, 1.0 / of as f64);
    let buckets = &window.over_time;
    let place = |i: usize, value: Nanos| {
        let share = start + width * (i as f64 + 0.5) / buckets.len() as f64;
        (frame.px(share), frame.py(frame.y.place(value.get() as f64)))
    };
    let series = |of: fn(&TimeBucket) -> Nanos| {
        let all: Vec<_> = buckets
            .iter()
            .enumerate()
            .map(|(i, b)| (b.n > 0).then(|| place(i, of(b))))
            .collect();
        all
    };
    let border = frame.px(start);
    html! {
        @if at > 0 {
            line.border x1=(n(border)) x2=(n(border)) y1=(n(frame.py(1.0))) y2=(n(frame.py(0.0))) {}
        }
        @if labelled {
            text.tick.middle x=(n(frame.px(start + width / 2.0))) y=(n(frame.py(0.0) + 15.0)) { (window.repetition) }
        }
        (line("due", series(|b| b.p50_ns)))
        (line("due thin", series(|b| b.p99_ns)))
        @for (x, y) in series(|b| b.max_ns).into_iter().flatten() {
            circle.mark.due.small cx=(n(x)) cy=(n(y)) r="1.5" {}
        }
    }
}
