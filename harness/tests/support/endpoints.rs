//! Endpoint processes, commanded by the test itself over their control channel.

use std::{
    io::{BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio},
};

use tempfile::TempDir;
use tickcert::{
    bench::{Bench, BenchSpec, lock::IfHeld, lock::RunLock},
    endpoint::control::{self, Injection, Report, TrialSpec, Usage},
    run::{certify::choose_cores, endpoints::Homes, trial::Stage},
};
use tickcert_probes::clocks;
use tickcert_results::time::{Nanos, PerSecond, TickScale};
use tickcert_scenarios::{
    generator::{self, GeneratorConfig},
    load::Arrival,
    tape::{self, Tape},
    trader::{Strategy, TraderConfig},
};
use tickcert_transports::{
    Lane,
    api::{Link, Role},
};

/// A wire, a tape and a clock; two cores that nobody else measures on.
pub(crate) struct Site {
    pub(crate) bench: Bench,
    pub(crate) dir: TempDir,
    pub(crate) tape: Tape,
    pub(crate) scale: TickScale,
    /// Packets a second.
    pub(crate) rate: PerSecond,
    pub(crate) cores: (u32, u32),
    path: PathBuf,
    _lock: RunLock,
}

impl Site {
    pub(crate) fn new() -> Self {
        let lock = RunLock::take(&tickcert::bench::lock::default_path(), IfHeld::Wait, |_| {}).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let (_, scale) = clocks::start(Path::new("/")).unwrap();
        let ticks = generator::generate(&GeneratorConfig { seed: 1, messages: 2000, ..GeneratorConfig::default() });
        let path = dir.path().join("tape");
        tape::build(&path, &ticks.unwrap(), TraderConfig::new(Strategy::first_byte())).unwrap();
        let bench = Bench::set_up(&BenchSpec { connect_timeout: Nanos::SECOND * 30, ..BenchSpec::default() }).unwrap();
        let cores = choose_cores().unwrap();
        Self { bench, tape: Tape::open(&path).unwrap(), path, dir, scale, rate: PerSecond(2_000.0), cores, _lock: lock }
    }

    /// A trial of `packets` packets, and as many orders.
    pub(crate) fn spec(&self, lane: &str, role: Role, packets: u32) -> TrialSpec {
        TrialSpec {
            lane: lane.into(),
            settings: Lane::by_name(lane).unwrap().settings(&serde_json::Map::new()).unwrap(),
            role,
            link: Link { meeting: self.dir.path().into(), ..self.bench.link.clone() },
            memory_node: None,
            core: if role == Role::Exchange { self.cores.0 } else { self.cores.1 },
            tape: self.dir.path().join("tape"),
            tape_sha256: self.tape.sha256().into(),
            load: Arrival::Constant { rate: self.rate },
            passes: packets.div_ceil(u32::try_from(self.tape.packets()).unwrap()),
            packets,
            seed: 1,
            late_after: Nanos::SECOND * 5,
            silence: Nanos::SECOND * 20,
            scale: self.scale,
            staged: false,
            threads: None,
            stamp_timeout: Nanos::SECOND,
            injection: Injection::default(),
            samples: self.samples(role),
        }
    }

    /// Where trials of two processes are run over `link`.
    pub(crate) fn stage<'a>(&'a self, link: &'a Link) -> Stage<'a> {
        Stage {
            link,
            homes: Homes {
                exchange: Some(&self.bench.exchange_netns),
                trader: Some(&self.bench.trader_netns),
                logs: self.dir.path(),
                program: Some(Path::new(env!("CARGO_BIN_EXE_tickcert"))),
                far: None,
            },
            tape: &self.tape,
            tape_path: &self.path,
            scale: self.scale,
            folder: self.dir.path(),
            exchange_core: self.cores.0,
            trader_core: self.cores.1,
            memory_nodes: (None, None),
            late_after: Nanos::SECOND * 5,
            stamp_timeout: Nanos::SECOND,
            stamps: None,
            speeds: [None; 2],
            seed: 1,
            tail: None,
        }
    }

    pub(crate) fn tape_path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn samples(&self, role: Role) -> PathBuf {
        self.dir.path().join(format!("{role:?}.samples"))
    }

    pub(crate) fn netns(&self, role: Role) -> &Path {
        match role {
            Role::Exchange => &self.bench.exchange_netns,
            Role::Trader => &self.bench.trader_netns,
        }
    }
}

/// One endpoint, under some other program (a tracer) or not.
pub(crate) struct Endpoint {
    pub(crate) child: Child,
    commands: Option<ChildStdin>,
    reports: BufReader<ChildStdout>,
    errors: ChildStderr,
}

impl Endpoint {
    /// To be called from a thread that lives as long as the endpoint has to.
    pub(crate) fn start(netns: &Path, under: &[&str]) -> Self {
        let line = [under, &[env!("CARGO_BIN_EXE_tickcert"), "endpoint", "--netns"]].concat();
        let mut child = Command::new(line[0])
            .args(&line[1..])
            .arg(netns)
            .args(["--parent", &std::process::id().to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (commands, reports) = (child.stdin.take(), BufReader::new(child.stdout.take().unwrap()));
        let errors = child.stderr.take().unwrap();
        Self { child, commands, reports, errors }
    }

    pub(crate) fn tell(&mut self, command: &control::Command) {
        control::send(self.commands.as_mut().unwrap(), command).unwrap();
    }

    /// The next report; `None` when the process is gone.
    pub(crate) fn hear(&mut self) -> Option<Report> {
        control::receive(&mut self.reports).unwrap()
    }

    /// Closes the control channel and waits until the process and whatever runs with it have ended.
    pub(crate) fn end(mut self) -> String {
        drop(self.commands.take());
        let mut said = String::new();
        self.errors.read_to_string(&mut said).unwrap();
        self.child.wait().unwrap();
        said
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs one trial between two endpoints that wait for commands; what they used in their timed loops, exchange first.
pub(crate) fn trial(
    site: &Site,
    lane: &str,
    packets: u32,
    exchange: &mut Endpoint,
    trader: &mut Endpoint,
) -> [Usage; 2] {
    use control::Command::{Go, Open};
    exchange.tell(&Open(Box::new(site.spec(lane, Role::Exchange, packets))));
    trader.tell(&Open(Box::new(site.spec(lane, Role::Trader, packets))));
    for end in [&mut *exchange, &mut *trader] {
        let report = end.hear();
        assert!(matches!(report, Some(Report::Ready)), "{report:?}");
    }
    for end in [&mut *trader, &mut *exchange] {
        end.tell(&Go);
        let report = end.hear();
        assert!(matches!(report, Some(Report::Running)), "{report:?}");
    }
    let Some(Report::Exchanged(exchanged)) = exchange.hear() else { panic!("the exchange has no report") };
    assert_eq!((exchanged.broken, exchanged.skipped), (None, 0));
    let Some(Report::Traded(traded)) = trader.hear() else { panic!("the trader has no report") };
    assert_eq!((traded.broken, traded.orders), (None, u64::from(packets)));
    [exchanged.usage, traded.usage]
}
