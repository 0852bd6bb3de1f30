//! Made-up certificates of every shape: seeded, plausible, and of no machine that exists.

mod cells;
mod handoffs;
mod host;
mod machine;
mod placements;
mod rates;
mod samples;
mod stamps;
mod tail;

use cells::LaneShape;
pub use placements::{matrix, placed};

use super::{Certificate, FileDigest, NotRun, NotRunKind, Planned, ProfileSummary, SCHEMA, TapeSummary, Tool};
use crate::{
    evidence::Evidence,
    judge::{Measured, RequirementResult},
    time::Nanos,
    verdict::Verdict,
};

/// Two lanes over a virtual wire, one attempt invalid and repeated: what a passing run in CI looks like.
#[must_use]
pub fn two_lanes() -> Certificate {
    let lanes = [
        LaneShape::new("kernel-udp", "", Evidence::Emulated, 8_900),
        LaneShape::new("kernel-tcp", "", Evidence::Emulated, 12_400).with_invalid_attempt(),
    ];
    certificate(&lanes, 5, 20_000)
}

/// Two lanes over NICs that stamp: one whose stamps reach the floor at both ends, one that falls back.
#[must_use]
pub fn stamped() -> Certificate {
    let lanes = [
        LaneShape::new("kernel-udp", "", Evidence::Software, 8_900),
        LaneShape::new("kernel-tcp", "", Evidence::Software, 12_400),
    ];
    let mut c = certificate(&lanes, 5, 20_000);
    stamps::put_into(&mut c);
    c
}

/// Two lanes, and hand-offs of which one was full once.
#[must_use]
pub fn handed_off() -> Certificate {
    Certificate { hand_off: Some(handoffs::some()), ..two_lanes() }
}

/// One lane.
#[must_use]
pub fn one_lane() -> Certificate {
    certificate(&[LaneShape::new("kernel-udp", "", Evidence::Emulated, 8_900)], 5, 20_000)
}

/// Twelve lanes on two classes of evidence, stages and hardware stamps among them.
#[must_use]
pub fn twelve_lanes() -> Certificate {
    let lanes: Vec<_> = [
        ("kernel-udp", "", Evidence::Emulated, 8_900),
        ("kernel-tcp", "", Evidence::Emulated, 12_400),
        ("io-uring", "multishot", Evidence::Emulated, 8_100),
        ("afxdp", "copy", Evidence::Emulated, 5_200),
        ("afxdp", "zerocopy", Evidence::Nic, 2_900),
        ("dpdk", "memif", Evidence::Emulated, 1_900),
        ("dpdk", "pci", Evidence::Nic, 1_450),
        ("rdma", "rc", Evidence::Emulated, 3_300),
        ("onload", "", Evidence::Nic, 1_700),
        ("kernel-udp", "hw-stamps", Evidence::Nic, 6_800),
        ("kernel-tcp", "busy-poll", Evidence::Emulated, 9_700),
        ("shm", "floor", Evidence::Emulated, 480),
    ]
    .into_iter()
    .map(|(lane, variant, evidence, median)| LaneShape::new(lane, variant, evidence, median))
    .collect();
    certificate(&lanes, 5, 4_000)
}

/// A lane that is too slow for its profile.
#[must_use]
pub fn failed() -> Certificate {
    let mut c = two_lanes();
    c.verdict = Verdict::Fail;
    c.reasons = vec!["t2t-p99 [kernel-tcp]: 31.2 us, limit 25 us; the whole 95 % interval lies above it".to_owned()];
    c.requirements.push(RequirementResult {
        id: "t2t-p99 [kernel-tcp]".to_owned(),
        text: "99 % of orders leave within 25 us of the tick's due time".to_owned(),
        verdict: Verdict::Fail,
        measured: Some(Measured {
            value: 31_200.0,
            unit: "ns".to_owned(),
            ci95: Some([30_400.0, 32_900.0]),
            n: 100_000,
        }),
        limit: "<= 25 us".to_owned(),
        evidence: Some(Evidence::Emulated),
        why: "the whole 95 % interval lies above the limit".to_owned(),
    });
    c
}

/// Judged by the strict profile on a virtual machine.
#[must_use]
pub fn not_certifiable() -> Certificate {
    let mut c = two_lanes();
    c.profile.name = "colo".to_owned();
    c.profile.description = "Qualifies a server for the colo: hardware evidence, quiet cores, hard limits.".to_owned();
    c.verdict = Verdict::NotCertifiable;
    c.reasons = vec![
        "evidence [kernel-udp]: emulated, the profile asks for nic or stronger: a virtual wire certifies no hardware"
            .to_owned(),
        "noise: core 1 was taken away for 212 us; the profile allows 10 us".to_owned(),
        "p99.99 [kernel-tcp]: 5 repetitions leave an interval that straddles the limit; about 14 are needed".to_owned(),
    ];
    for r in &mut c.requirements {
        if r.id.starts_with("evidence") {
            r.verdict = Verdict::NotCertifiable;
            r.limit = "nic or stronger".to_owned();
            r.why = "a virtual wire certifies no hardware".to_owned();
        }
    }
    c
}

/// Broken off with Ctrl-C in the middle.
#[must_use]
pub fn interrupted() -> Certificate {
    let mut c = certificate(&[LaneShape::new("kernel-udp", "", Evidence::Emulated, 8_900)], 2, 8_000);
    c.interrupted = true;
    c.verdict = Verdict::NotRun;
    c.reasons = vec!["the run was interrupted after 3 of 12 trials".to_owned()];
    c.cells[0].planned = Some(Planned { repetitions: 5, staged: 1, unstamped: 0 });
    c.not_run.push(NotRun::new(
        NotRunKind::Load,
        "kernel-tcp, tape speed",
        "the run was interrupted before it",
        "run `tickcert certify --profile ci` again and let it finish",
    ));
    c
}

/// Nothing could run at all.
#[must_use]
pub fn nothing_ran() -> Certificate {
    let mut c = certificate(&[], 0, 0);
    c.verdict = Verdict::NotRun;
    c.reasons = vec!["no lane could run on this host: see what did not run".to_owned()];
    c.requirements.clear();
    c.files.clear();
    c.probes = super::Probes::default();
    c
}

/// Labels that try to break out of every format.
#[must_use]
pub fn hostile() -> Certificate {
    let nasty = "</style></svg><script>alert('x')</script>\"&<!-- ]]> \u{202e}\u{7}\u{fffe}";
    let mut c = one_lane();
    c.sut.label = nasty.to_owned();
    c.sut.host.hostname = "a".repeat(400);
    c.run_id = format!("x\"; }} body {{ display: none }} {nasty}");
    c.profile.name = nasty.to_owned();
    c.reasons.push(nasty.to_owned());
    c.not_run[0].needs = nasty.to_owned();
    c.requirements[0].id = nasty.to_owned();
    c.requirements[0].verdict = Verdict::Fail;
    c.requirements[0].why = nasty.to_owned();
    c.rates[0].lane = nasty.to_owned();
    c.rates[0].why = nasty.to_owned();
    c.hand_off = Some(handoffs::some());
    if let Some(cell) = c.hand_off.as_mut().and_then(|compared| compared.cells.first_mut()) {
        cell.name = nasty.to_owned();
        cell.summary = nasty.to_owned();
    }
    let cell = &mut c.cells[0];
    cell.lane = nasty.to_owned();
    cell.load.text = nasty.to_owned();
    cell.repetitions[0].invalid_reasons = vec![nasty.to_owned()];
    cell.repetitions[0].valid = false;
    cell.repetitions[1].histograms.t2t_due = "not a histogram".to_owned();
    c
}

/// Every shape with a name for its file.
#[must_use]
pub fn all() -> Vec<(&'static str, Certificate)> {
    vec![
        ("one-lane", one_lane()),
        ("two-lanes", two_lanes()),
        ("twelve-lanes", twelve_lanes()),
        ("failed", failed()),
        ("not-certifiable", not_certifiable()),
        ("interrupted", interrupted()),
        ("nothing-ran", nothing_ran()),
        ("hostile", hostile()),
        ("stamped", stamped()),
        ("placements", matrix()),
    ]
}

/// A passing certificate of these lanes with so many valid repetitions of so many samples each.
fn certificate(lanes: &[LaneShape], repetitions: u32, samples: usize) -> Certificate {
    let cells: Vec<_> =
        lanes.iter().enumerate().map(|(at, l)| cells::cell(l, at, lanes.len(), repetitions, samples)).collect();
    let files = cells
        .iter()
        .flat_map(|c| &c.repetitions)
        .map(|r| FileDigest { path: r.samples.clone(), sha256: samples::fake_sha256(&r.samples), bytes: 1_318_400 })
        .collect();
    Certificate {
        schema: SCHEMA.to_owned(),
        run_id: "20261123T073000Z-5f3a".to_owned(),
        tool: Tool { version: "0.1.0".to_owned(), commit: "b728a2f0c1d2e3f4".to_owned(), features: vec![] },
        started_at: "2026-11-23T07:30:00Z".to_owned(),
        finished_at: "2026-11-23T07:31:42Z".to_owned(),
        interrupted: false,
        interrupted_because: None,
        sut: host::sut(),
        exchange_host: None,
        tape: tape(),
        profile: ProfileSummary {
            name: "ci".to_owned(),
            sha256: samples::fake_sha256("profile"),
            description: "Passes on a shared virtual machine: correctness, loss, statistics; no absolute limits."
                .to_owned(),
        },
        verdict: Verdict::Pass,
        reasons: vec![],
        requirements: requirements(&cells),
        rates: rates::of(&cells),
        placements: Vec::new(),
        crews: Vec::new(),
        hand_off: None,
        cells,
        not_run: not_run(),
        probes: host::probes(),
        files,
    }
}

fn tape() -> TapeSummary {
    TapeSummary {
        sha256: samples::fake_sha256("tape"),
        source: "generator seed 7, 40 symbols, calibrated to the open".to_owned(),
        packets: 61_204,
        messages: 148_930,
        expected_orders: 4_000,
        orders_sha256: samples::fake_sha256("orders"),
        duration_ns: Nanos(2_000_000_000),
        strategy: "best bid or offer through 100.00 in AAPL; quantity 100, collar 5 %".to_owned(),
        notes: vec!["12 executions refer to orders from before the capture".to_owned()],
    }
}

fn requirements(cells: &[super::Cell]) -> Vec<RequirementResult> {
    let mut all = Vec::new();
    for cell in cells {
        let title = cell.title();
        let row = |id: &str, text: &str, value: f64, unit: &str, limit: &str, why: &str| RequirementResult {
            id: format!("{id} [{title}]"),
            text: text.to_owned(),
            verdict: Verdict::Pass,
            measured: Some(Measured { value, unit: unit.to_owned(), ci95: None, n: cell.latency_ns.t2t_due.n }),
            limit: limit.to_owned(),
            evidence: Some(cell.evidence),
            why: why.to_owned(),
        };
        all.push(row(
            "loss",
            "no order is lost, wrong or late",
            0.0,
            "count",
            "= 0",
            "every order of every valid repetition arrived as expected",
        ));
        all.push(RequirementResult {
            measured: None,
            ..row(
                "evidence",
                "the evidence suffices",
                0.0,
                "",
                "emulated or stronger",
                "as strong as the profile asks for",
            )
        });
        let q = &cell.latency_ns.t2t_due;
        if let Some(p99) = q.p99 {
            let mut r = row(
                "t2t-p99",
                "99 % of orders leave within 1 ms of the due time",
                0.0,
                "ns",
                "<= 1 ms",
                "the whole 95 % interval lies below the limit",
            );
            if let Some(m) = &mut r.measured {
                m.value = samples::float(p99.get());
                m.ci95 = q.ci95.get("p99").copied();
            }
            all.push(r);
        }
    }
    all
}

fn not_run() -> Vec<NotRun> {
    let row = |kind, name: &str, needs: &str, how: &str| NotRun::new(kind, name, needs, how);
    let zero_copy = row(
        NotRunKind::Lane,
        "afxdp-zc",
        "a NIC whose driver offers AF_XDP zero-copy (ice, i40e, mlx5); this host has none",
        "install such a NIC and name it in the profile: `exchange_interface = \"ens1f0\"`",
    );
    vec![
        NotRun { optional: true, ..zero_copy },
        row(
            NotRunKind::Lane,
            "onload",
            "OpenOnload 8 or later (libonload.so was not found)",
            "`apt-get install onload-user`, then `modprobe sfc_char`",
        ),
        row(NotRunKind::Placement, "node 1", "a second NUMA node; this host has one", "run on a host with two sockets"),
        row(
            NotRunKind::Probe,
            "hardware counters",
            "a PMU; this virtual machine hides it (perf_event_open: ENOENT)",
            "run on bare metal, or turn on the virtual PMU of the hypervisor",
        ),
    ]
}
