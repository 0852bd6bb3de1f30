//! What takes the cores away, and what the kernel counted meanwhile: hardware first, since tuning what lies above can't mend it.

use maud::{Markup, html};

use crate::{
    certificate::{NoiseProbe, Topic},
    report::text,
};

/// In the order in which they are to be mended.
const LAYERS: [(Topic, &str); 3] =
    [(Topic::Hardware, "Hardware"), (Topic::OperatingSystem, "Operating system"), (Topic::Application, "Application")];

pub(super) fn section(p: &NoiseProbe) -> Markup {
    html! {
        h3 { "Noise" }
        p.note {
            "A loop that only reads the clock, " (text::duration(p.duration_ns)) " on each core; gaps above "
            (text::duration(p.threshold_ns)) " are time taken away from it."
        }
        (gaps(p))
        @if p.cores.iter().any(|core| !core.counted.is_empty()) {
            p.note {
                "Counted on each core in that window, before and after. What was counted needn't have made a gap; only a switch or a fault is asked for gap by gap."
            }
            (counted(p))
        }
    }
}

fn gaps(p: &NoiseProbe) -> Markup {
    let told = p.cores.iter().any(|core| !core.causes.is_empty());
    html! {
        table.narrow {
            thead {
                tr {
                    th { "Core" } th.num { "Gaps" } th.num { "A second" } th.num { "Longest" } th.num { "Time taken away" }
                    @if told { th { "The longest was" } }
                }
            }
            tbody {
                @for core in &p.cores {
                    tr {
                        td { (core.core) } td.num { (text::count(core.gaps)) } td.num { (text::significant(core.gaps_per_second)) }
                        td.num { (text::duration(core.largest_ns)) } td.num { (text::significant(core.stolen_ppm)) " ppm" }
                        @if told { td { (core.cause_of_largest().map_or("–", |cause| cause.words())) } }
                    }
                }
            }
        }
    }
}

fn counted(p: &NoiseProbe) -> Markup {
    html! {
        table.counted {
            thead { tr { th { "Layer" } th { "Core" } th { "What moved" } } }
            tbody {
                @for (layer, name) in LAYERS {
                    @if layer == Topic::Hardware && !p.smi_counter.is_empty() {
                        tr { td { (name) } td { "all" } td { "SMIs: " (p.smi_counter) } }
                    }
                    @for core in &p.cores {
                        @let moved = core.moved(layer);
                        tr {
                            td { (name) } td { (core.core) }
                            td {
                                @if moved.is_empty() { "nothing" } @else { (moved) }
                                @if let Some(without) = core.without_event_at_least.filter(|n| layer == Topic::Hardware && *n > 0) {
                                    br; "at least " (text::count(without)) " gaps without any event of the kernel's: hypervisor, firmware or hardware"
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
