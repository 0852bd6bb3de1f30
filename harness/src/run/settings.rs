//! Settings that the run itself knows about, as rows of the audit.

use tickcert_probes::latency_hold::LatencyHold;
use tickcert_results::{
    certificate::{Setting, Topic},
    time::Nanos,
};
use tickcert_scenarios::profile::Deferral;

/// Whether the run kept the cores out of deep sleep.
pub(crate) fn held(hold: &LatencyHold) -> Setting {
    Setting {
        name: "cpu_dma_latency".to_owned(),
        value: hold.describe(),
        wanted: "held at 0 us during every trial".to_owned(),
        ok: hold.is_held(),
        why: "a core that sleeps deeply takes tens of microseconds to wake up".to_owned(),
        fix: "run as root where /dev/cpu_dma_latency exists".to_owned(),
        topic: Some(Topic::Application),
        ..Setting::default()
    }
}

/// How an interface puts off its interrupts: right as it is, unless only a half of it is there.
pub(crate) fn put_off(interface: &str, found: Deferral) -> Setting {
    let (defer, timeout) = (found.napi_defer_hard_irqs, found.gro_flush_timeout);
    Setting {
        name: format!("{interface}/napi_defer_hard_irqs, gro_flush_timeout"),
        value: format!("{defer}, {timeout}"),
        wanted: "both above zero for lanes that prefer busy polling, else both zero".to_owned(),
        ok: (defer == 0) == (timeout == Nanos::ZERO),
        why: "interrupts are put off while somebody polls only with both".to_owned(),
        fix: "set both under [bench] in the profile".to_owned(),
        topic: Some(Topic::OperatingSystem),
        ..Setting::default()
    }
}
