//! Every lane of this build against every claim of [`claims`], and against every fault of [`faults`] and [`tick_faults`] in a
//! real trial, over a bench of its own; some lanes with the settings of [`settings`] too. A lane that this host can't run
//! says what it needs, and its tests are counted as skipped.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test program that has no test harness around it"
)]

mod bursts;
mod claims;
mod faults;
mod ground;
mod settings;
mod tick_faults;

use std::{
    path::Path,
    sync::{Arc, OnceLock},
    thread,
};

use claims::{Claim, Ends};
use faults::Case;
use ground::{Ground, Wire};
use libtest_mimic::{Arguments, Failed, Trial};
use settings::Set;
use tickcert::{
    bench::{
        Bench,
        huge_pages::HugePages,
        netns,
        user_namespace::{self, Privilege},
    },
    run::{certify::choose_cores, trial::unmet_in},
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
    let sets = || Lane::all().iter().map(|lane| Set::of(*lane));
    let of_claims = sets().flat_map(|set| {
        let lane = set.lane;
        settings::claims_of(lane).map(move |claim| trial(Set::of(lane), claim.name, vec![claim]))
    });
    let of_settings = settings::all()
        .map(|set| (settings::tried(set.lane), set))
        .filter(|(claims, _)| !claims.is_empty())
        .map(|(claims, set)| trial(set, "the_lane_does_what_every_lane_must", claims))
        .chain(settings::all().map(|set| with_fault(set, &settings::CASE, &ground)))
        .chain(Lane::by_name("dpdk-afxdp").map(|lane| with_fault(Set::of(lane), &settings::LONG, &ground)));
    let cases = || faults::CASES.iter().chain(&tick_faults::CASES);
    let of_faults = Lane::all().iter().flat_map(|lane| cases().map(|case| with_fault(Set::of(*lane), case, &ground)));
    let trials = of_claims.chain(of_settings).chain(of_faults).collect();
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
    let (run_dir, cores) = (tickcert::bench::run_dir::default_path(), choose_cores().ok()?);
    HugePages::reserve(Path::new("/"), &run_dir, cores, u64::from(most) * 2).ok()
}

struct HugePagesOf;

impl Job for HugePagesOf {
    type Out = u32;

    fn run<T: Transport>(self) -> u32 {
        T::preflight(&T::Config::default(), true).map_or(0, |_| T::huge_pages_mib(&T::Config::default()))
    }
}

/// Tests claims on the same two ends, one after the other.
fn trial(set: Set, name: &'static str, claims: Vec<Claim>) -> Trial {
    Trial::test(format!("{}::{name}", set.name), move || test(&set, name, &claims).map_err(Failed::from))
}

/// Made by the first trial that wants it.
type SharedGround = Arc<OnceLock<Result<Ground, String>>>;

fn with_fault(set: Set, case: &'static Case, ground: &SharedGround) -> Trial {
    let ground = Arc::clone(ground);
    Trial::test(format!("{}::{}", set.name, case.name), move || test_fault(&set, case, &ground).map_err(Failed::from))
}

/// Whether benches can be set up here; says that the test was skipped where not.
fn may_set_up(set: &Set, name: &str) -> bool {
    let may = user_namespace::present() == Some(Privilege::Host);
    if !may {
        println!("SKIPPED: {}: {name}: needs root (CAP_SYS_ADMIN and CAP_NET_ADMIN)", set.name);
    }
    may
}

/// `Err` where the claim could not even be tried.
fn test(set: &Set, name: &str, claims: &[Claim]) -> Result<(), String> {
    if !may_set_up(set, name) {
        return Ok(());
    }
    let wire = Wire::new(set, 400).map_err(|e| format!("{e:#}"))?;
    let settings = set.lane.settings(&set.wanted).map_err(|e| e.to_string())?;
    dispatch(set.lane, Try { set, name, claims, link: &wire.link, bench: &wire.bench, settings: &settings })
}

/// `Err` where no trial came about.
fn test_fault(set: &Set, case: &Case, ground: &OnceLock<Result<Ground, String>>) -> Result<(), String> {
    if !may_set_up(set, case.name) {
        return Ok(());
    }
    if thread::available_parallelism().map_or(1, usize::from) < 2 {
        println!("SKIPPED: {}: {}: needs two cores", set.name, case.name);
        return Ok(());
    }
    let ground = ground.get_or_init(|| Ground::new().map_err(|e| format!("{e:#}"))).as_ref().map_err(Clone::clone)?;
    // Holds all ticks of a trial, so that none is lost however long the trader is kept waiting.
    let wire = Wire::new(set, 4_000).map_err(|e| format!("{e:#}"))?;
    match ground.run(set, case, &wire) {
        Ok(Some((record, finished))) => case.check(record, finished),
        Ok(None) => {
            println!("SKIPPED: {}: {}: the host is too busy; needs cores that nobody holds", set.name, case.name);
        }
        Err(e) => {
            let unmet = unmet_in(&e).ok_or_else(|| format!("{e:#}"))?;
            println!("SKIPPED: {}: {}: {unmet}", set.name, case.name);
        }
    }
    Ok(())
}

struct Try<'a> {
    set: &'a Set,
    name: &'a str,
    claims: &'a [Claim],
    link: &'a Link,
    bench: &'a Bench,
    settings: &'a serde_json::Value,
}

impl Job for Try<'_> {
    type Out = Result<(), String>;

    fn run<T: Transport>(self) -> Self::Out {
        match self.open::<T>() {
            Ok(mut ends) => self.claims.iter().for_each(|claim| claim.test(&mut ends)),
            Err(OpenError::Unmet(unmet)) => println!("SKIPPED: {}: {}: {unmet}", self.set.name, self.name),
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
        let stays = T::stays_on_the_host(&config);
        let end = |role, home: &Path| {
            if !stays {
                netns::enter(home).map_err(std::io::Error::other)?;
            }
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
