//! Every lane of this build against every claim of [`claims`], and against every fault of [`faults`] in a real trial, over
//! a bench of its own. A lane that this host can't run says what it needs, and its tests are counted as skipped.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test program that has no test harness around it"
)]

mod claims;
mod faults;
mod ground;

use std::{
    path::Path,
    sync::{Arc, OnceLock},
    thread,
};

use claims::{Claim, Ends};
use faults::Case;
use ground::{Ground, Wire};
use libtest_mimic::{Arguments, Failed, Trial};
use tickcert::{
    bench::{
        Bench,
        huge_pages::HugePages,
        netns,
        user_namespace::{self, Privilege},
    },
    run::trial::unmet_in,
};
use tickcert_transports::{
    Lane,
    api::{Job, Link, OpenError, Role, Transport},
    dispatch, read_settings,
};

fn main() {
    // One at a time, whatever is asked for: trials want the cores for themselves, and the claims gain next to nothing from
    // more.
    let arguments = Arguments { test_threads: Some(1), ..Arguments::from_args() };
    let ground = Arc::new(OnceLock::new());
    let of_claims = Lane::all().iter().flat_map(|lane| claims::all().into_iter().map(|claim| trial(*lane, claim)));
    let of_faults =
        Lane::all().iter().flat_map(|lane| faults::CASES.iter().map(|case| with_fault(*lane, case, &ground)));
    let trials = of_claims.chain(of_faults).collect();
    let pages = huge_pages();
    let conclusion = libtest_mimic::run(&arguments, trials);
    drop((pages, ground));
    conclusion.exit();
}

/// What the neediest lane wants, as a run would set it aside: once for this process, which doesn't give it back before it
/// ends, and once for the endpoints of trials. Where it can't be had, the lane says so.
fn huge_pages() -> Option<HugePages> {
    if user_namespace::present() != Some(Privilege::Host) {
        return None;
    }
    let most = Lane::all().iter().map(|lane| dispatch(*lane, HugePagesOf)).max().unwrap_or_default();
    HugePages::reserve(Path::new("/"), &tickcert::bench::run_dir::default_path(), u64::from(most) * 2).ok()
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

/// Made by the first trial that wants it.
type SharedGround = Arc<OnceLock<Result<Ground, String>>>;

fn with_fault(lane: Lane, case: &'static Case, ground: &SharedGround) -> Trial {
    let ground = Arc::clone(ground);
    Trial::test(format!("{}::{}", lane.name(), case.name), move || {
        test_fault(lane, case, &ground).map_err(Failed::from)
    })
}

/// Whether benches can be set up here; says that the test was skipped where not.
fn may_set_up(lane: Lane, name: &str) -> bool {
    let may = user_namespace::present() == Some(Privilege::Host);
    if !may {
        println!("SKIPPED: {}: {name}: needs root (CAP_SYS_ADMIN and CAP_NET_ADMIN)", lane.name());
    }
    may
}

/// `Err` where the claim could not even be tried.
fn test(lane: Lane, claim: &Claim) -> Result<(), String> {
    if !may_set_up(lane, claim.name) {
        return Ok(());
    }
    let wire = Wire::new(1 << 20).map_err(|e| format!("{e:#}"))?;
    let settings = lane.settings(&serde_json::Map::new()).map_err(|e| e.to_string())?;
    dispatch(lane, Try { lane, claim, link: &wire.link, bench: &wire.bench, settings: &settings })
}

/// `Err` where no trial came about.
fn test_fault(lane: Lane, case: &Case, ground: &OnceLock<Result<Ground, String>>) -> Result<(), String> {
    if !may_set_up(lane, case.name) {
        return Ok(());
    }
    if thread::available_parallelism().map_or(1, usize::from) < 2 {
        println!("SKIPPED: {}: {}: needs two cores", lane.name(), case.name);
        return Ok(());
    }
    let ground = ground.get_or_init(|| Ground::new().map_err(|e| format!("{e:#}"))).as_ref().map_err(Clone::clone)?;
    // Holds all ticks of a trial, so that none is lost however long the trader is kept waiting.
    let wire = Wire::new(8 << 20).map_err(|e| format!("{e:#}"))?;
    match ground.run(lane, case, &wire) {
        Ok((record, finished)) => case.check(record, finished),
        Err(e) => {
            let unmet = unmet_in(&e).ok_or_else(|| format!("{e:#}"))?;
            println!("SKIPPED: {}: {}: {unmet}", lane.name(), case.name);
        }
    }
    Ok(())
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
