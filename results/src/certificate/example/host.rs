//! The machine that does not exist.

use super::samples::fake_sha256;
use crate::{
    certificate::{
        CalibrationRecord, ClockProbe, Counted, CounterOffset, CpuInfo, FloorProbe, GapCause, GapsOfCause, Host,
        LineLatency, NicInfo, NoiseCore, NoiseProbe, Probes, Quantiles, Setting, Sut, Topic,
    },
    evidence::Evidence,
    time::Nanos,
};

pub(super) fn sut() -> Sut {
    Sut {
        hash: fake_sha256("sut"),
        label: "ny4-rack12-u07".to_owned(),
        host: Host {
            hostname: "ny4-rack12-u07".to_owned(),
            cpu: CpuInfo {
                model: "Intel(R) Xeon(R) Gold 6444Y".to_owned(),
                microcode: "0x2b000603".to_owned(),
                cores: 32,
                threads_per_core: 1,
                sockets: 2,
            },
            kernel: "6.1.0-41-amd64".to_owned(),
            kernel_build: "#1 SMP PREEMPT_DYNAMIC Debian 6.1.158-1 (2025-11-09)".to_owned(),
            cmdline: "BOOT_IMAGE=/vmlinuz root=/dev/nvme0n1p2 ro isolcpus=2-15 nohz_full=2-15 rcu_nocbs=2-15 \
                      intel_idle.max_cstate=0 mitigations=off hugepagesz=1G hugepages=8"
                .to_owned(),
            numa: vec!["0-15".to_owned(), "16-31".to_owned()],
            nics: vec![
                nic("ens1f0", "mlx5_core", "26.41.1000", "0000:31:00.0"),
                nic("ens1f1", "mlx5_core", "26.41.1000", "0000:31:00.1"),
                NicInfo { speed_mbps: -1, numa_node: -1, ..nic("eth0", "virtio_net", "", "") },
            ],
            virtualised: "none".to_owned(),
            memory_bytes: 256 << 30,
        },
    }
}

fn nic(name: &str, driver: &str, firmware: &str, pci: &str) -> NicInfo {
    NicInfo {
        name: name.to_owned(),
        driver: driver.to_owned(),
        firmware: firmware.to_owned(),
        pci: pci.to_owned(),
        numa_node: 0,
        speed_mbps: 25_000,
    }
}

pub(super) fn probes() -> Probes {
    let calibration = |hz| CalibrationRecord { hz, error_ppm: 0.02, bracket_ns: 31.0, triples: 5_000 };
    Probes {
        audit: vec![
            setting("clocksource", "tsc", "tsc", "every stamp rests on it", ""),
            setting(
                "cpu2/governor",
                "powersave",
                "performance",
                "the clock rises only after the first ticks",
                "cpupower -c 2 frequency-set -g performance",
            ),
            setting(
                "transparent_hugepage",
                "always",
                "never",
                "khugepaged stalls a core while it merges pages",
                "echo never > /sys/kernel/mm/transparent_hugepage/enabled",
            ),
            setting("ens1f0/rx-usecs", "0", "0", "coalescing holds packets back", ""),
            setting("kernel.numa_balancing", "absent", "0", "page migration stalls the thread that touches them", ""),
        ],
        clocks: Some(ClockProbe {
            clocksource: "tsc".to_owned(),
            invariant_tsc: true,
            read_cost_ns: 11.4,
            granularity_ticks: 2,
            start: calibration(3_600_000_112.0),
            end: Some(calibration(3_600_000_321.0)),
            drift_ppm: Some(0.058),
            drift_allowed_ppm: Some(1.04),
        }),
        noise: Some(NoiseProbe {
            threshold_ns: Nanos(1_000),
            duration_ns: Nanos(1_000_000_000),
            smi_counter: "counted by MSR 0x34".to_owned(),
            cores: [(2, 4, 5_120), (3, 311, 212_400)]
                .map(|(core, gaps, largest)| NoiseCore {
                    core,
                    gaps,
                    gaps_per_second: f64::from(u32::try_from(gaps).unwrap_or(0)),
                    largest_ns: Nanos(largest),
                    stolen_ppm: 12.5,
                    ..counted(gaps)
                })
                .to_vec(),
        }),
        stamp_cost_ns: Some(11.4),
        record_cost_ns: Some(14.2),
        stamping: None,
        machine: Some(super::machine::machine()),
        core_to_core: Some(LineLatency {
            cores: [2, 3],
            one_way_ns: 31.6,
            min_ns: 30.9,
            p90_ns: 33.2,
            samples: 14_200,
            round_trips: 200,
        }),
        counter_offset: Some(CounterOffset {
            cores: [2, 3],
            at_least_ns: -58.2,
            at_most_ns: 61.4,
            round_trips: 20_000,
        }),
        floor: Some(floor()),
    }
}

/// What the kernel counted while there were so many gaps, of which three were another task's.
fn counted(gaps: u64) -> NoiseCore {
    let count = |layer, what: &str, by, is_time| Counted { layer, what: what.to_owned(), by, is_time };
    let switches = 3.min(gaps / 100);
    let of = |cause, gaps, largest| GapsOfCause {
        cause,
        gaps,
        largest_ns: Nanos(largest),
        total_ns: Nanos(largest / 2 * gaps),
    };
    NoiseCore {
        causes: [of(GapCause::Below, gaps - switches, 5_120), of(GapCause::SwitchedOut, switches, 212_400)]
            .into_iter()
            .filter(|of| of.gaps > 0)
            .collect(),
        counted: vec![
            count(Topic::Hardware, "SMI", 1, false),
            count(Topic::OperatingSystem, "Local timer interrupts", gaps - switches, false),
            count(Topic::OperatingSystem, "softirq TIMER", gaps / 4, false),
            count(Topic::Application, "switched out for another task", switches, false),
        ],
        without_event_at_least: Some(0),
        ..NoiseCore::default()
    }
}

fn setting(name: &str, value: &str, wanted: &str, why: &str, fix: &str) -> Setting {
    Setting {
        name: name.to_owned(),
        value: value.to_owned(),
        wanted: wanted.to_owned(),
        ok: value == wanted,
        why: why.to_owned(),
        fix: fix.to_owned(),
        ..Setting::default()
    }
}

fn floor() -> FloorProbe {
    let of = |n, p50, p99| Quantiles {
        n,
        min: Some(Nanos(p50 - 20)),
        p50: Some(Nanos(p50)),
        p90: Some(Nanos(p50 + 15)),
        p99: Some(Nanos(p99)),
        max: Some(Nanos(p99 * 9)),
        ..Quantiles::default()
    };
    FloorProbe {
        lane: "shm".to_owned(),
        evidence: Evidence::Emulated,
        frame_bytes: 56,
        service_time_ns: of(8_100_000, 118, 141),
        load: "constant 20000 packets/s".to_owned(),
        t2t_sent: of(1_200, 420, 1_010),
        t2t_due: of(1_200, 436, 1_040),
        trader: of(1_200, 260, 820),
    }
}
