//! How long a load from memory takes by working set, for each core that looks at its own node.

use maud::{Markup, html};

use super::{
    frame::{Entry, Frame, Key, Shape, line, mark},
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
    let body = html! { @for view in &curves { (curve(&frame, view)) } };
    let legend =
        [Pages::Small, Pages::Huge].map(|pages| Entry { text: pages.name(), class: style(pages).0, key: Key::Line });
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

fn curve(frame: &Frame, view: &MemoryView) -> Markup {
    let (_, class, shape) = style(view.pages);
    let at = |bytes: u64, ns: f64| frame.point(bytes as f64, ns);
    html! {
        (line(class, view.loads.iter().map(|point| Some(at(point.bytes, point.load_ns)))))
        @for point in &view.loads {
            @let (x, y) = at(point.bytes, point.load_ns);
            @let tip = format!("{}, {}: {}", view.name(), text::bytes(point.bytes), text::duration_ns(point.load_ns));
            (mark(shape, class, x, y, &tip))
        }
    }
}
