//! What all charts share: the plot's frame with its grid and labels, lines, marks, a legend.

use std::fmt::Write;

use maud::{Markup, html};

use super::scale::Scale;

/// Height of the row of the legend.
const LEGEND: f64 = 22.0;

/// The plot inside of an SVG; lengths in its own units.
pub(super) struct Frame {
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) left: f64,
    pub(super) right: f64,
    pub(super) top: f64,
    pub(super) bottom: f64,
    pub(super) x: Scale,
    pub(super) y: Scale,
}

impl Frame {
    /// The size that fits twice beside each other.
    pub(super) fn half(x: Scale, y: Scale) -> Self {
        Self {
            width: 460.0,
            height: 270.0,
            left: 52.0,
            right: 14.0,
            top: LEGEND + 6.0,
            bottom: 40.0,
            x,
            y,
        }
    }

    /// Where a share of the x axis lies.
    pub(super) fn px(&self, share: f64) -> f64 {
        self.left + share * (self.width - self.left - self.right)
    }

    /// Where a share of the y axis lies, 0 at the bottom.
    pub(super) fn py(&self, share: f64) -> f64 {
        self.height - self.bottom - share * (self.height - self.top - self.bottom)
    }

    /// Where a pair of values lies.
    pub(super) fn point(&self, x: f64, y: f64) -> (f64, f64) {
        (self.px(self.x.place(x)), self.py(self.y.place(y)))
    }

    /// The whole picture: grid and labels below, `body` on top of them.
    pub(super) fn draw(
        &self,
        title: &str,
        legend: &[Entry],
        names: [&str; 2],
        body: &Markup,
    ) -> Markup {
        let grid = html! { (self.lines_of_y()) (self.lines_of_x()) };
        self.assemble(title, legend, names, &grid, body)
    }

    /// Without lines on the x axis: `body` brings its own columns.
    pub(super) fn draw_columns(
        &self,
        title: &str,
        legend: &[Entry],
        names: [&str; 2],
        body: &Markup,
    ) -> Markup {
        self.assemble(title, legend, names, &self.lines_of_y(), body)
    }

    /// Without lines on the y axis: `body` brings its own rows.
    pub(super) fn draw_rows(
        &self,
        title: &str,
        legend: &[Entry],
        name: &str,
        body: &Markup,
    ) -> Markup {
        self.assemble(title, legend, [name, ""], &self.lines_of_x(), body)
    }

    fn assemble(
        &self,
        title: &str,
        legend: &[Entry],
        names: [&str; 2],
        grid: &Markup,
        body: &Markup,
    ) -> Markup {
        let [x_name, y_name] = names;
        let (left, right, bottom) = (self.px(0.0), self.px(1.0), self.py(0.0));
        svg(
            self.width,
            self.height,
            title,
            &html! {
                g.grid { (grid) }
                line.axis x1=(n(left)) x2=(n(right)) y1=(n(bottom)) y2=(n(bottom)) {}
                text.name.middle x=(n(f64::midpoint(left, right))) y=(n(self.height - 6.0)) { (x_name) }
                @if !y_name.is_empty() {
                    text.name x="2" y=(n(LEGEND / 2.0 + 3.5)) { (y_name) }
                }
                (body)
                (self.legend(legend))
            },
        )
    }

    fn lines_of_y(&self) -> Markup {
        let (left, right) = (self.px(0.0), self.px(1.0));
        html! {
            @for t in self.y.ticks() {
                @let y = self.py(t.at);
                line x1=(n(left)) x2=(n(right)) y1=(n(y)) y2=(n(y)) {}
                text.end x=(n(left - 6.0)) y=(n(y + 3.5)) { (t.label) }
            }
        }
    }

    fn lines_of_x(&self) -> Markup {
        let (bottom, top) = (self.py(0.0), self.py(1.0));
        html! {
            @for t in self.x.ticks() {
                @let x = self.px(t.at);
                line x1=(n(x)) x2=(n(x)) y1=(n(top)) y2=(n(bottom)) {}
                text.middle x=(n(x)) y=(n(bottom + 15.0)) { (t.label) }
            }
        }
    }

    /// In a row above the plot, from the right.
    fn legend(&self, entries: &[Entry]) -> Markup {
        let widths: Vec<f64> = entries
            .iter()
            .map(|e| 34.0 + 6.0 * e.text.chars().count() as f64)
            .collect();
        let start = self.width - self.right - widths.iter().sum::<f64>() + 8.0;
        let places = widths.iter().scan(start, |x, width| {
            let at = *x;
            *x += width;
            Some(at)
        });
        let y = LEGEND / 2.0;
        html! {
            g.legend {
                @for (entry, at) in entries.iter().zip(places) {
                    @match entry.key {
                        Key::Line => line class=(entry.class) x1=(n(at)) x2=(n(at + 20.0)) y1=(n(y)) y2=(n(y)) {},
                        Key::Mark(shape) => (mark(shape, entry.class, at + 13.0, y, "")),
                    }
                    text x=(n(at + 24.0)) y=(n(y + 3.5)) { (entry.text) }
                }
            }
        }
    }
}

/// A line of the legend.
pub(super) struct Entry {
    pub(super) text: &'static str,
    pub(super) class: &'static str,
    pub(super) key: Key,
}

/// What stands before its text.
#[derive(Clone, Copy)]
pub(super) enum Key {
    Line,
    Mark(Shape),
}

/// Shape of a mark.
#[derive(Clone, Copy)]
pub(super) enum Shape {
    Circle,
    Square,
    Triangle,
    Cross,
    Bar,
}

/// An SVG picture with a title that is read out and shown on hovering.
pub(super) fn svg(width: f64, height: f64, title: &str, body: &Markup) -> Markup {
    html! {
        svg viewBox=(format!("0 0 {} {}", n(width), n(height))) role="img" aria-label=(title) {
            (body)
        }
    }
}

/// A mark around a point; `tip` is shown on hovering.
pub(super) fn mark(shape: Shape, class: &str, x: f64, y: f64, tip: &str) -> Markup {
    let class = format!("mark {class}");
    let path = |d: String| html! { path class=(class) d=(d) { (hint(tip)) } };
    match shape {
        Shape::Circle => html! { circle class=(class) cx=(n(x)) cy=(n(y)) r="3.2" { (hint(tip)) } },
        Shape::Square => path(format!("M{} {}h5.6v5.6h-5.6z", n(x - 2.8), n(y - 2.8))),
        Shape::Triangle => path(format!("M{} {}l3.8 6.4h-7.6z", n(x), n(y - 3.8))),
        Shape::Cross => path(format!("M{} {}l6 6m0-6l-6 6", n(x - 3.0), n(y - 3.0))),
        Shape::Bar => path(format!("M{} {}v8", n(x), n(y - 4.0))),
    }
}

fn hint(tip: &str) -> Markup {
    html! { @if !tip.is_empty() { title { (tip) } } }
}

/// A line through points; `None` interrupts it.
pub(super) fn line(class: &str, points: impl IntoIterator<Item = Option<(f64, f64)>>) -> Markup {
    let mut d = String::new();
    let mut draws = false;
    for point in points {
        if let Some((x, y)) = point {
            // Writing to a string has no way to fail.
            let _ = write!(d, "{}{} {}", if draws { 'L' } else { 'M' }, n(x), n(y));
        }
        draws = point.is_some();
    }
    html! { @if !d.is_empty() { path.line class=(class) d=(d) {} } }
}

/// A coordinate, to a tenth.
pub(super) fn n(v: f64) -> String {
    let text = format!("{v:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}
