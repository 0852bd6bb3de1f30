//! The lanes of one class of evidence: their quantiles in one table and one picture.

use maud::{Markup, html};

use super::{banner, chip};
use crate::{
    certificate::{Cell, EndNodes, Handoff, OrderChannel, Quantiles},
    report::{
        chart,
        data::{CellView, Group},
        text,
    },
};

const QUANTILES: [&str; 5] = ["p50", "p90", "p99", "p99_9", "p99_99"];

pub(in crate::report) fn lanes(group: &Group<'_>) -> Markup {
    html! {
        section.lanes {
            h2 { "Latency by lane " (chip(group.evidence)) }
            (banner(group.evidence))
            @if group.cells.len() > 1 {
                @if let Some(picture) = chart::overview(group) {
                    figure.wide { (picture) }
                }
            }
            p.note {
                "Microseconds, over all valid repetitions; below each quantile its 95 % interval. A quantile without enough samples "
                "says how many more it needs. Lanes that carried the same orders did the same work."
            }
            @for channel in [OrderChannel::Datagram, OrderChannel::Tcp] {
                @let cells: Vec<&CellView<'_>> = group.cells.iter().filter(|v| v.cell.order_channel == channel).collect();
                @if !cells.is_empty() { (table(group, channel, &cells)) }
            }
        }
    }
}

/// The lanes that carry orders in the same way: only they can be held against each other.
fn table(group: &Group<'_>, channel: OrderChannel, cells: &[&CellView<'_>]) -> Markup {
    html! {
        table.quantiles {
            caption { (chip(group.evidence)) " " b { (orders(channel)) } }
            thead { tr {
                th { "Lane" } th {} th.num { "n" } th.num { "min" }
                @for q in QUANTILES { th.num { (text::quantile(q)) } }
                th.num { "max" }
            } }
            @for view in cells { (rows(view)) }
        }
    }
}

fn orders(channel: OrderChannel) -> &'static str {
    match channel {
        OrderChannel::Datagram => "Orders as datagrams",
        OrderChannel::Tcp => "Orders over TCP, in a session",
    }
}

fn rows(view: &CellView<'_>) -> Markup {
    let l = &view.cell.latency_ns;
    let all = [("t2t_due", &l.t2t_due), ("t2t_sent", &l.t2t_sent), ("trader", &l.trader)];
    html! {
        tbody {
            @for (at, (name, q)) in all.into_iter().enumerate() {
                tr {
                    @if at == 0 {
                        th.lane rowspan=(all.len()) scope="rowgroup" {
                            a href=(format!("#cell-{}", view.at)) { (view.cell.title()) }
                            span.dim { (setting(view.cell)) }
                            @if let Some(work) = work(view.cell) { span.dim { (work) } }
                        }
                    }
                    th.metric scope="row" { (name) }
                    (values(q))
                }
            }
        }
    }
}

fn values(q: &Quantiles) -> Markup {
    let plain = |value: Option<_>| value.map_or("–".to_owned(), text::micros);
    html! {
        td.num { (text::count(q.n)) }
        td.num { (plain(q.min)) }
        @for name in QUANTILES { (quantile(q, name)) }
        td.num.max { (plain(q.max)) }
    }
}

fn quantile(q: &Quantiles, name: &str) -> Markup {
    html! {
        @match (q.by_name(name), q.needs_more.get(name)) {
            (Some(value), _) => td.num {
                (text::micros(value))
                @if let Some([lo, hi]) = q.ci95.get(name) {
                    span.ci { (text::significant(lo / 1e3)) "–" (text::significant(hi / 1e3)) }
                }
            },
            (None, Some(more)) => td.num.needs { "needs " (text::count(*more)) " more" },
            (None, None) => td.num { "–" },
        }
    }
}

/// The orders that came, as a digest: lanes with the same one did the same work.
fn work(cell: &Cell) -> Option<String> {
    let valid: Vec<_> = cell.repetitions.iter().filter(|r| r.valid).collect();
    let digest = &valid.first()?.orders_sha256;
    let same = valid.iter().filter(|r| r.orders_sha256 == *digest && r.expected_sha256 == *digest).count();
    let start: String = digest.chars().take(12).collect();
    Some(format!("orders {start}…: the tape's, {same} of {}", valid.len()))
}

/// Placement, hand-off, orders and load in a line.
pub(super) fn setting(cell: &Cell) -> String {
    let handoff = match &cell.handoff {
        Handoff::Inline => "one thread".to_owned(),
        Handoff::Queue { decide_core, send_core, .. } => {
            let queue = text::queue(&cell.handoff, &cell.message_bytes());
            format!("three threads ({queue}, to cores {decide_core} and {send_core})")
        }
    };
    let orders = match cell.order_channel {
        OrderChannel::Datagram => "orders as datagrams",
        OrderChannel::Tcp => "orders over TCP",
    };
    let p = &cell.placement;
    let nodes = p.nodes.as_ref().map(|n| format!(" (memory nodes {} → {})", of_end(&n.exchange), of_end(&n.trader)));
    let (nodes, load) = (nodes.unwrap_or_default(), &cell.load.text);
    let queues: Vec<_> = p.queues.iter().map(|q| format!("{} to queue {} of {}", q.interface, q.queue, q.of)).collect();
    let queues =
        if queues.is_empty() { String::new() } else { format!(" (receive table of {})", queues.join(", of ")) };
    let class = p.class.map(|_| format!("{}: ", p.name)).unwrap_or_default();
    format!(
        "{load}; {class}cores {} → {}{nodes} over {}{queues}, {handoff}; {orders}",
        p.exchange_core, p.trader_core, p.link
    )
}

/// `1`, or what of an end is on another node than its core: `1, memory 0, interface 0`.
fn of_end(end: &EndNodes) -> String {
    let number = |node: Option<u32>| node.map_or_else(|| "?".to_owned(), |n| n.to_string());
    let elsewhere = |what: &str, node: Option<u32>| {
        node.filter(|_| node != end.core).map(|n| format!(", {what} {n}")).unwrap_or_default()
    };
    format!("{}{}{}", number(end.core), elsewhere("memory", end.memory), elsewhere("interface", end.interface))
}
