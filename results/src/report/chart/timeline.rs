//! One slow tick: its way, and what the kernel did on both cores meanwhile.

use maud::{Markup, html};

use super::{
    frame::{Frame, n, svg},
    scale::Scale,
};
use crate::{
    certificate::{Side, SlowTick, TailEvent, TailKind},
    report::text,
};

const ROW: f64 = 19.0;
const BAR: f64 = 11.0;
/// So wide a bar has room for a letter.
const LETTER: f64 = 6.2;

pub(in crate::report) fn timeline(tick: &SlowTick) -> Markup {
    let begin = tick.since_ns.0.min(0);
    let long = tick.t2t_due_ns.get() as f64 - begin as f64;
    let frame = Frame {
        width: 940.0,
        height: 3.0 * ROW + 26.0,
        left: 70.0,
        right: 30.0,
        top: 4.0,
        bottom: 22.0,
        x: Scale::Linear { hi: long.max(1.0) },
        y: Scale::Linear { hi: 1.0 },
    };
    let title = format!("A tick of {} and what the kernel did meanwhile", text::duration(tick.t2t_due_ns));
    let bottom = frame.py(0.0);
    svg(
        frame.width,
        frame.height,
        &title,
        &html! {
            g.grid {
                @for t in frame.x.ticks() {
                    @let x = frame.px(t.at);
                    line x1=(n(x)) x2=(n(x)) y1="4" y2=(n(bottom)) {}
                    text.middle x=(n(x)) y=(n(bottom + 13.0)) { (t.label) }
                }
            }
            (way(&frame, begin, tick))
            @for (row, side) in Side::BOTH.into_iter().enumerate() {
                @let y = top(&frame, row + 1);
                text.end x=(n(frame.left - 8.0)) y=(n(y + BAR - 2.0)) { (side.name()) }
                @for event in tick.events.iter().filter(|e| e.side == side) { (bar(&frame, begin, y, event)) }
            }
        },
    )
}

/// From due to sent, sent to seen, seen to left, left to arrived.
fn way(frame: &Frame, begin: i64, tick: &SlowTick) -> Markup {
    let y = top(frame, 0);
    let marks =
        [0, tick.sent_ns.0, tick.seen_ns.0, tick.left_ns.0, i64::try_from(tick.t2t_due_ns.0).unwrap_or(i64::MAX)];
    let legs = [
        ("late", "before it was sent"),
        ("there", "until the trader saw it"),
        ("at work", "in the trader"),
        ("back", "until the order was seen"),
    ];
    let x = |ns: i64| place(frame, begin, ns);
    html! {
        @if begin < 0 && fits("ticks before it", x(0) - frame.left) {
            text.middle.inside x=(n(f64::midpoint(frame.left, x(0)))) y=(n(y + BAR - 2.5)) { "ticks before it" }
        }
        text.end x=(n(frame.left - 8.0)) y=(n(y + BAR - 2.0)) { "tick" }
        @for (ends, (name, about)) in marks.windows(2).zip(legs) {
            @let (from, to) = (x(ends[0]), x(ends[1]).max(x(ends[0])));
            rect.leg x=(n(from)) y=(n(y)) width=(n(to - from)) height=(n(BAR)) {
                title { (about) ": " (text::duration_ns((ends[1] - ends[0]) as f64)) }
            }
            @if fits(name, to - from) { text.middle.inside x=(n(f64::midpoint(from, to))) y=(n(y + BAR - 2.5)) { (name) } }
        }
    }
}

fn bar(frame: &Frame, begin: i64, y: f64, event: &TailEvent) -> Markup {
    let (from, to) = (place(frame, begin, event.start_ns.0), place(frame, begin, event.end_ns.0));
    let width = (to - from).max(1.2);
    let name = format!("{} {}", event.kind.name(), event.name);
    let took = text::duration_ns((event.end_ns.0 - event.start_ns.0) as f64);
    html! {
        rect class=(class(event.kind)) x=(n(from)) y=(n(y)) width=(n(width)) height=(n(BAR)) {
            title { (name) ", " (took) ", from " (text::duration_ns(event.start_ns.0 as f64)) }
        }
        @if fits(&name, width) { text.middle.onbar x=(n(from + width / 2.0)) y=(n(y + BAR - 2.5)) { (name) } }
    }
}

fn fits(text: &str, width: f64) -> bool {
    text.chars().count() as f64 * LETTER < width
}

/// What lies outside of the time shown, which has this beginning, is put at its edge.
fn place(frame: &Frame, begin: i64, ns: i64) -> f64 {
    frame.px(frame.x.place(ns as f64 - begin as f64))
}

fn top(frame: &Frame, row: usize) -> f64 {
    frame.top + ROW * row as f64 + (ROW - BAR) / 2.0
}

const fn class(kind: TailKind) -> &'static str {
    match kind {
        TailKind::Thread => "event thread",
        TailKind::Interrupt | TailKind::Vector => "event vector",
        TailKind::Softirq => "event softirq",
        TailKind::PageFault => "event fault",
        _ => "event other",
    }
}
