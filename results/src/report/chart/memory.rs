//! How long a load from memory takes by working set, for each core that looks at its own node.

use maud::{Markup, html};

use super::{
    frame::{Entry, Frame, Key, Shape, line, mark, n},
    scale::Scale,
};
use crate::{
    certificate::{MemoryView, Pages},
    report::text,
};

/// Nothing where no view has more than one working set.
pub(in crate::report) fn memory(views: &[MemoryView]) -> Option<Markup> {
    let curves: Vec<&MemoryView> = views.iter().filter(|view| view.loads.len() > 1).collect();
    let loads = || curves.iter().flat_map(|view| &view.loads);
    let range = |of: fn(&crate::certificate::LoadPoint) -> f64| {
        Some((loads().map(of).reduce(f64::min)?, loads().map(of).reduce(f64::max)?))
    };
    let (least, most) = range(|point| point.load_ns)?;
    let (smallest, largest) = range(|point| point.bytes as f64)?;
    let frame = Frame {
        width: 940.0,
        ..Frame::half(Scale::Bytes { lo: smallest.max(1.0), hi: largest.max(2.0) }, Scale::around(least, most))
    };
    let shown = |pages: &Pages| curves.iter().any(|view| view.pages == *pages);
    let kinds = [Pages::Small, Pages::Huge].into_iter().filter(shown);
    let legend: Vec<Entry> =
        kinds.map(|pages| Entry { text: pages.name(), class: style(pages).0, key: Key::Line }).collect();
    let first = curves.first().map(|view| view.core);
    let several = curves.iter().any(|view| Some(view.core) != first);
    let body = html! { @for view in &curves { (curve(&frame, view, several)) } };
    Some(frame.draw(
        "A load from memory by working set, in small and in huge pages",
        &legend,
        ["working set", "a load"],
        &body,
    ))
}

/// The classes of a line in the legend, and of what is drawn, and the mark.
const fn style(pages: Pages) -> (&'static str, &'static str, Shape) {
    match pages {
        Pages::Small => ("line due", "due", Shape::Circle),
        Pages::Huge => ("line sent", "sent", Shape::Square),
    }
}

/// Of one core of several, it says which.
fn curve(frame: &Frame, view: &MemoryView, several: bool) -> Markup {
    let (_, class, shape) = style(view.pages);
    let at = |bytes: u64, ns: f64| frame.point(bytes as f64, ns);
    html! {
        (line(class, view.loads.iter().map(|point| Some(at(point.bytes, point.load_ns)))))
        @for point in &view.loads {
            @let (x, y) = at(point.bytes, point.load_ns);
            @let tip = format!("{}, {}: {}", view.name(), text::bytes(point.bytes), text::duration_ns(point.load_ns));
            (mark(shape, class, x, y, &tip))
        }
        @if several && let Some(last) = view.loads.last() {
            @let (x, y) = at(last.bytes, last.load_ns);
            text.end x=(n(x)) y=(n(y - 7.0)) { "core " (view.core) }
        }
    }
}
