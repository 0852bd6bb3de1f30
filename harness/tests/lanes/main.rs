//! Every lane of this build against every claim of [`claims`], over a bench of its own. A lane that this host can't run
//! says what it needs, and its tests are counted as skipped.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test program that has no test harness around it"
)]

mod claims;

use std::{path::Path, thread};

use claims::{Claim, Ends};
use libtest_mimic::{Arguments, Failed, Trial};
use tickcert::bench::{
    Bench, BenchSpec,
    huge_pages::HugePages,
    netns,
    user_namespace::{self, Privilege},
};
use tickcert_results::time::Nanos;
use tickcert_transports::{
    Lane,
    api::{Job, Link, OpenError, Role, Transport},
    dispatch, read_settings,
};

fn main() {
    let arguments = Arguments::from_args();
    let trials = Lane::all().iter().flat_map(|lane| claims::all().into_iter().map(|claim| trial(*lane, claim)));
    let pages = huge_pages();
    let conclusion = libtest_mimic::run(&arguments, trials.collect());
    drop(pages);
    conclusion.exit();
}

/// What the neediest lane wants, as a run would set it aside; where it can't be had, the lane says so.
fn huge_pages() -> Option<HugePages> {
    if user_namespace::present() != Some(Privilege::Host) {
        return None;
    }
    let most = Lane::all().iter().map(|lane| dispatch(*lane, HugePagesOf)).max().unwrap_or_default();
    HugePages::reserve(Path::new("/"), &tickcert::bench::run_dir::default_path(), most.into()).ok()
}

struct HugePagesOf;

impl Job for HugePagesOf {
    type Out = u32;

    fn run<T: Transport>(self) -> u32 {
        T::preflight(&T::Config::default(), true).map_or(0, |_| T::huge_pages_mib(&T::Config::default()))
    }
}

fn trial(lane: Lane, claim: Claim) -> Trial {
    Trial::test(format!("{}::{}", lane.name(), claim.name), move || test(lane, &claim).map_err(Failed::from))
}

/// `Err` where the claim could not even be tried.
fn test(lane: Lane, claim: &Claim) -> Result<(), String> {
    if user_namespace::present() != Some(Privilege::Host) {
        println!("SKIPPED: {}: {}: needs root (CAP_SYS_ADMIN and CAP_NET_ADMIN)", lane.name(), claim.name);
        return Ok(());
    }
    let dir = tempfile::tempdir().map_err(|e| e.to_string())?;
    let spec = BenchSpec {
        receive_buffer: 1 << 20,
        connect_timeout: Nanos::SECOND * 5,
        run_dir: dir.path().into(),
        ..BenchSpec::default()
    };
    let bench = Bench::set_up(&spec).map_err(|e| e.to_string())?;
    let link = Link { meeting: dir.path().into(), ..bench.link.clone() };
    let settings = lane.settings(&serde_json::Map::new()).map_err(|e| e.to_string())?;
    dispatch(lane, Try { lane, claim, link: &link, bench: &bench, settings: &settings })
}

struct Try<'a> {
    lane: Lane,
    claim: &'a Claim,
    link: &'a Link,
    bench: &'a Bench,
    settings: &'a serde_json::Value,
}

impl Job for Try<'_> {
    type Out = Result<(), String>;

    fn run<T: Transport>(self) -> Self::Out {
        match self.open::<T>() {
            Ok(ends) => self.claim.test(ends),
            Err(OpenError::Unmet(unmet)) => println!("SKIPPED: {}: {}: {unmet}", self.lane.name(), self.claim.name),
            Err(OpenError::Io(e)) => return Err(format!("it does not open: {e}")),
        }
        Ok(())
    }
}

impl Try<'_> {
    /// Both ends, each opened in its own network namespace; what they opened may then be used from anywhere.
    fn open<T: Transport>(&self) -> Result<Ends<T>, OpenError> {
        let config = read_settings::<T>(self.settings).map_err(std::io::Error::other)?;
        T::preflight(&config, true)?;
        let end = |role, home: &Path| {
            netns::enter(home).map_err(std::io::Error::other)?;
            T::open(&config, self.link, role)
        };
        thread::scope(|s| {
            let exchange = s.spawn(|| end(Role::Exchange, &self.bench.exchange_netns));
            let trader = s.spawn(|| end(Role::Trader, &self.bench.trader_netns));
            let gone = |_| OpenError::Io(std::io::Error::other("the thread that opens an end has panicked"));
            // Both first, so that an unmet need of one is not hidden by the other's waiting in vain.
            match (exchange.join().map_err(gone)?, trader.join().map_err(gone)?) {
                (Ok(exchange), Ok(trader)) => Ok(Ends { exchange, trader }),
                (Err(unmet @ OpenError::Unmet(_)), _) | (_, Err(unmet @ OpenError::Unmet(_))) => Err(unmet),
                (Err(e), _) | (_, Err(e)) => Err(e),
            }
        })
    }
}
