//! The system under test: hardware, kernel, settings, clocks, noise.

use maud::{Markup, html};

use super::{audit, chip, machine as parts, noise};
use crate::{
    certificate::{
        Certificate, ClockProbe, CounterOffset, ExchangeHost, FloorProbe, Host, LineLatency, NicInfo, Probes, Quantiles,
    },
    report::text,
};

pub(in crate::report) fn host(c: &Certificate) -> Markup {
    html! {
        section #environment {
            h2 { "Environment" }
            @if c.exchange_host.is_some() { p.note { "The trader's host, which is the system under test:" } }
            (machine(&c.sut.host, &c.sut.hash))
            (nics(&c.sut.host.nics))
            @if let Some(machine) = &c.probes.machine { (parts::section(machine, c.sut.host.virtualised != "none")) }
            (audit::section(&c.probes.audit))
            (clocks(&c.probes))
            @if let Some(noise) = &c.probes.noise { (noise::section(noise)) }
            @if let Some(exchange) = &c.exchange_host { (exchange_host(exchange)) }
        }
    }
}

/// Where ticks come from and orders go to, when that is another host.
fn exchange_host(e: &ExchangeHost) -> Markup {
    html! {
        h2 { "The exchange's host" }
        p.note { "Its clock is that of tick-to-trade and of the schedule; the trader's own times and stages are of the other host's." }
        (machine(&e.host, &e.hash))
        (nics(&e.host.nics))
        (audit::section(&e.audit))
        dl.table { (clock(&e.clocks)) }
        @if let Some(noise) = &e.noise { (noise::section(noise)) }
    }
}

fn machine(h: &Host, hash: &str) -> Markup {
    html! {
        dl.table {
            dt { "Host" } dd { (h.hostname) }
            dt { "Processor" }
            dd {
                (h.cpu.model) ", microcode " (h.cpu.microcode) ", "
                (h.cpu.cores) " cores on line, " (h.cpu.sockets) " sockets, " (h.cpu.threads_per_core) " threads per core"
            }
            dt { "Memory" } dd { (format!("{:.1} GiB", h.memory_bytes as f64 / f64::from(1 << 30))) }
            dt { "NUMA nodes" }
            dd { @for (at, cores) in h.numa.iter().enumerate() { @if at > 0 { "; " } (at) ": cores " (cores) } }
            dt { "Virtualised" } dd { (h.virtualised) }
            dt { "Kernel" } dd { (h.kernel) " " span.dim { (h.kernel_build) } }
            dt { "Command line" } dd.mono { (h.cmdline) }
            dt { "SUT hash" } dd.mono { (hash) }
        }
    }
}

fn nics(nics: &[NicInfo]) -> Markup {
    let or_dash = |text: &str| {
        if text.is_empty() { "–".to_owned() } else { text.to_owned() }
    };
    html! {
        h3 { "Network interfaces" }
        @if nics.is_empty() {
            p { "None that is backed by a device." }
        } @else {
            table {
                thead { tr { th { "Interface" } th { "Driver" } th { "Firmware" } th { "PCI" } th { "Node" } th.num { "Speed" } } }
                tbody {
                    @for nic in nics {
                        tr {
                            td { (nic.name) } td { (nic.driver) } td { (or_dash(&nic.firmware)) } td.mono { (or_dash(&nic.pci)) }
                            td { @if nic.numa_node >= 0 { (nic.numa_node) } @else { "–" } }
                            td.num { @if nic.speed_mbps >= 0 { (nic.speed_mbps) " Mbit/s" } @else { "unknown" } }
                        }
                    }
                }
            }
        }
    }
}

fn clocks(p: &Probes) -> Markup {
    html! {
        h3 { "Clocks and the tool's own cost" }
        dl.table {
            @match &p.clocks {
                Some(c) => (clock(c)),
                None => { dt { "Clock" } dd { "The clock probe did not run." } }
            }
            @if let Some(offset) = &p.counter_offset { dt { "Counters of both cores" } (counters(offset)) }
            @if let Some(line) = &p.core_to_core { dt { "Cache line, one way" } dd { (line_latency(line)) } }
            dt { "One stamp" } dd { (cost(p.stamp_cost_ns)) }
            dt { "Recording one event" } dd { (cost(p.record_cost_ns)) " (never subtracted from a latency)" }
            dt { "Floor lane" }
            @match &p.floor {
                Some(f) => dd { (floor(f)) },
                None => dd { "not measured" },
            }
        }
    }
}

fn counters(o: &CounterOffset) -> Markup {
    let [exchange, trader] = o.cores;
    let bounds = format!("{:.0} to {:.0} ns", o.at_least_ns, o.at_most_ns);
    html! {
        dd {
            @if o.in_step() {
                "in step, as far as round trips tell: core " (trader) " is ahead of core " (exchange) " by " (bounds)
            } @else if o.is_steady() {
                span.bad { "out of step: core " (trader) " is ahead of core " (exchange) " by " (bounds) }
            } @else {
                span.bad { "they run apart: no one offset between cores " (exchange) " and " (trader) " fits all round trips" }
            }
            " (" (text::count(o.round_trips.into())) " round trips)"
        }
    }
}

fn line_latency(l: &LineLatency) -> String {
    let [a, b] = l.cores;
    let of = text::duration_ns;
    format!(
        "{} between cores {a} and {b}, median; least {}, 90 % within {}",
        of(l.one_way_ns),
        of(l.min_ns),
        of(l.p90_ns)
    )
}

/// The tool's own overhead, end to end.
fn floor(f: &FloorProbe) -> Markup {
    let of = |q: &Quantiles| {
        let shown = |value: Option<_>| value.map_or("–".to_owned(), text::duration);
        format!("p50 {}, p99 {}", shown(q.p50), shown(q.p99))
    };
    html! {
        (chip(f.evidence)) " through shared memory alone (" (f.lane) "): round trip of " (f.frame_bytes) " bytes "
        (of(&f.service_time_ns))
        @if f.t2t_sent.n > 0 { "; t2t_sent " (of(&f.t2t_sent)) ", t2t_due " (of(&f.t2t_due)) " (" (f.load) ")" }
        ". It is the tool's own overhead and never subtracted"
    }
}

fn cost(ns: Option<f64>) -> String {
    ns.map_or("not measured".to_owned(), |ns| format!("{}, median", text::duration_ns(ns)))
}

fn clock(c: &ClockProbe) -> Markup {
    html! {
        dt { "Clock source" }
        dd { (c.clocksource) ", " @if c.invariant_tsc { "invariant TSC" } @else { span.bad { "TSC not invariant" } } }
        dt { "TSC" }
        dd {
            (format!("{:.6} MHz", c.start.hz / 1e6)) " ± " (format!("{:.3} ppm", c.start.error_ppm))
            ", tightest bracket " (text::duration_ns(c.start.bracket_ns)) " of " (text::count(c.start.triples.into())) " triples"
            "; a read costs " (text::duration_ns(c.read_cost_ns)) ", smallest step " (c.granularity_ticks) " ticks"
        }
        dt { "Drift over the run" }
        @match (c.drift_ppm, c.drift_allowed_ppm) {
            (Some(drift), Some(allowed)) => dd { (format!("{drift:.3} ppm, allowed are {allowed:.3} ppm")) },
            (Some(drift), None) => dd { (format!("{drift:.3} ppm")) },
            (None, _) => dd { "not measured: the run did not reach its second calibration" },
        }
    }
}
