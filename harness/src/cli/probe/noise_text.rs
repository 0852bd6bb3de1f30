//! Noise for a terminal: the gaps, and what the kernel counted meanwhile, in the order in which it is to be mended.

use std::fmt::Write as _;

use tickcert_results::certificate::{NoiseCore, NoiseProbe, Topic};

use super::text::table;

const LAYERS: [(Topic, &str); 3] =
    [(Topic::Hardware, "hardware"), (Topic::OperatingSystem, "operating system"), (Topic::Application, "application")];

pub(super) fn noise(noise: &NoiseProbe) -> String {
    let mut rows = table(["core", "gaps", "a second", "largest", "taken away", "the largest was"]);
    for core in &noise.cores {
        rows.add_row([
            core.core.to_string(),
            core.gaps.to_string(),
            format!("{:.0}", core.gaps_per_second),
            core.largest_ns.to_string(),
            format!("{:.0} ppm", core.stolen_ppm),
            core.cause_of_largest().map_or("-", |cause| cause.words()).to_owned(),
        ]);
    }
    let mut text = format!("Noise: gaps above {} in {}\n{rows}\n", noise.threshold_ns, noise.duration_ns);
    for core in &noise.cores {
        for of in &core.causes {
            let _ = writeln!(
                text,
                "core {}: {}: {} gaps, {} in all, the largest {}",
                core.core,
                of.cause.words(),
                of.gaps,
                of.total_ns,
                of.largest_ns
            );
        }
    }
    text.push_str("Counted on each core in that window; what was counted needn't have made a gap:\n");
    for (layer, name) in LAYERS {
        let _ = writeln!(text, "  {name}");
        if layer == Topic::Hardware && !noise.smi_counter.is_empty() {
            let _ = writeln!(text, "    SMIs: {}", noise.smi_counter);
        }
        noise.cores.iter().for_each(|core| of_core(core, layer, &mut text));
    }
    text
}

fn of_core(core: &NoiseCore, layer: Topic, text: &mut String) {
    let moved = core.moved(layer);
    let _ = writeln!(text, "    core {}: {}", core.core, if moved.is_empty() { "nothing" } else { &moved });
    if let Some(without) = core.without_event_at_least.filter(|n| layer == Topic::Hardware && *n > 0) {
        let _ = writeln!(
            text,
            "    core {}: at least {without} gaps without any event of the kernel's: hypervisor, firmware or hardware",
            core.core
        );
    }
}
