//! Quantiles of each repetition beside each other, in the order in which they ran; invalid attempts as such.

use maud::{Markup, html};

use super::{
    frame::{Entry, Frame, Key, Shape, mark, n},
    scale::Scale,
};
use crate::{
    certificate::Repetition,
    report::{
        data::{CellView, Curve, of_repetition},
        text,
    },
};

/// More columns than this and not each is labelled.
const LABELS: usize = 16;

const SHAPES: [(&str, Shape); 3] = [("p50", Shape::Circle), ("p99", Shape::Square), ("largest", Shape::Triangle)];

pub(in crate::report) fn spread(view: &CellView<'_>) -> Option<Markup> {
    let mut attempts: Vec<_> = view.cell.repetitions.iter().filter(|r| !r.staged && !r.unstamped).collect();
    attempts.sort_by_key(|r| (r.position, r.repetition, r.attempt));
    let columns: Vec<Column<'_>> = attempts.into_iter().map(Column::new).collect();
    let values = || columns.iter().filter(|c| c.of.valid).flat_map(Column::values);
    let (lo, hi) = (values().reduce(f64::min)?, values().reduce(f64::max)?);
    let frame = Frame::half(Scale::Linear { hi: 1.0 }, Scale::around(lo, hi));
    let width = 1.0 / columns.len() as f64;
    let every = columns.len().div_ceil(LABELS);
    let body = html! {
        (bands(&frame, view))
        @for (at, column) in columns.iter().enumerate() {
            (column.draw(&frame, (at as f64 + 0.5) * width, at.is_multiple_of(every)))
        }
    };
    let title = format!("Quantiles of each repetition, {}", view.cell.title());
    let mut legend = Vec::from(SHAPES.map(|(text, shape)| Entry { text, class: "due", key: Key::Mark(shape) }));
    legend.push(Entry { text: "t2t_sent", class: "sent", key: Key::Mark(Shape::Circle) });
    if columns.iter().any(|c| !c.of.valid) {
        legend.push(Entry { text: "invalid", class: "bad", key: Key::Mark(Shape::Cross) });
    }
    Some(frame.draw_columns(&title, &legend, ["repetition, in the order of the run", "latency"], &body))
}

struct Column<'a> {
    of: &'a Repetition,
    due: Option<Curve>,
    sent: Option<Curve>,
}

impl<'a> Column<'a> {
    fn new(of: &'a Repetition) -> Self {
        Self { of, due: of_repetition(of, |h| &h.t2t_due), sent: of_repetition(of, |h| &h.t2t_sent) }
    }

    fn values(&self) -> impl Iterator<Item = f64> {
        self.due.iter().chain(&self.sent).flat_map(quantiles)
    }

    fn label(&self) -> String {
        match self.of.attempt {
            0 | 1 => self.of.repetition.to_string(),
            attempt => format!("{}/{attempt}", self.of.repetition),
        }
    }

    fn draw(&self, frame: &Frame, share: f64, labelled: bool) -> Markup {
        let x = frame.px(share);
        let bottom = frame.py(0.0);
        html! {
            @if labelled {
                text.tick.middle x=(n(x)) y=(n(bottom + 15.0)) { (self.label()) }
            }
            @if self.of.valid {
                (self.marks(frame, x + 3.0, "sent", "t2t_sent", self.sent.as_ref()))
                (self.marks(frame, x - 3.0, "due", "t2t_due", self.due.as_ref()))
            } @else {
                @let tip = format!("attempt {} invalid: {}", self.label(), self.of.invalid_reasons.join("; "));
                line.bad x1=(n(x)) x2=(n(x)) y1=(n(frame.py(1.0))) y2=(n(bottom)) {}
                (mark(Shape::Cross, "bad", x, frame.py(0.5), &tip))
            }
        }
    }

    fn marks(&self, frame: &Frame, x: f64, class: &str, name: &str, curve: Option<&Curve>) -> Markup {
        html! {
            @if let Some(curve) = curve {
                @for ((quantile, shape), value) in SHAPES.iter().zip(quantiles(curve)) {
                    @let tip = format!("repetition {}, {name} {quantile}: {}", self.label(), text::duration_ns(value));
                    (mark(*shape, class, x, frame.py(frame.y.place(value)), &tip))
                }
            }
        }
    }
}

/// The three that are shown.
fn quantiles(curve: &Curve) -> [f64; 3] {
    [curve.at(0.5), curve.at(0.99), curve.range().1]
}

/// 95 % intervals of the whole cell behind the marks.
fn bands(frame: &Frame, view: &CellView<'_>) -> Markup {
    let (left, right) = (frame.px(0.0), frame.px(1.0));
    let ci95 = &view.cell.latency_ns.t2t_due.ci95;
    html! {
        @for name in ["p50", "p99"] {
            @if let Some([lo, hi]) = ci95.get(name) {
                @let (top, bottom) = (frame.py(frame.y.place(*hi)), frame.py(frame.y.place(*lo)));
                rect.band x=(n(left)) width=(n(right - left)) y=(n(top)) height=(n((bottom - top).max(1.0))) {
                    title { "t2t_due " (name) ", 95 % interval: " (text::duration_ns(*lo)) " to " (text::duration_ns(*hi)) }
                }
            }
        }
    }
}
