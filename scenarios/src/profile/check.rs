//! From the shape of the file to a profile that makes sense, or to a complaint about the first place that doesn't.

use std::{collections::HashSet, fmt::Display, path::Path};

use serde::de::DeserializeOwned;
use tickcert_results::time::Nanos;
use toml::Spanned;

use super::{
    Attribution, CorePair, FEWEST_REPETITIONS_FOR_INTERVALS, LaneSelection, NoiseSpec, PROFILE_VERSION, Profile,
    ProfileError, Run,
    locate::Place,
    raw::{RawNoise, RawPlacement, RawProfile, RawRun, Scalar},
    requirement, suggest,
    transports::TransportTable,
    units::{UnitError, parse_duration},
    window::Window,
};

/// Reads and checks; relative paths in it are resolved against `folder`.
pub(super) fn profile(source: &str, text: &str, folder: Option<&Path>) -> Result<Profile, ProfileError> {
    let doc = Document { file: source, text };
    let raw: RawProfile = doc.parse()?;
    if *raw.profile.get_ref() != PROFILE_VERSION {
        let remedy = format!("write `profile = {PROFILE_VERSION}`, or use the tickcert that the file was written for");
        let what = format!("profile version {} is not one that this tickcert reads", raw.profile.get_ref());
        return Err(doc.error(&raw.profile, what, remedy));
    }
    let name = raw.name.get_ref();
    if name.is_empty() || name.contains(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c))) {
        let remedy = "use letters, digits, `-`, `_` and `.`";
        return Err(doc.error(&raw.name, format!("`{name}` is no name for a profile"), remedy));
    }
    let default_window = doc.window(raw.window.orders.as_ref(), raw.window.max_duration.as_ref(), DEFAULT_WINDOW)?;
    let run = doc.run(&raw.run, raw.bench.trader_host.is_some(), raw.sweep.is_some())?;
    let loads = doc.loads(&raw.load, default_window)?;
    doc.no_cold_threads(&raw.run, &run.handoffs, &loads)?;
    let sweep = raw.sweep.as_ref().map(|s| doc.sweep(s, default_window)).transpose()?;
    let requirements = requirement::all(&doc, &raw.requirement, &requirement::Runs::new(&run, &loads, sweep.as_ref()))?;
    Ok(Profile {
        name: name.clone(),
        description: raw.description,
        sha256: crate::digest::sha256_hex(text.as_bytes()),
        source: source.to_owned(),
        text: text.to_owned(),
        interfaces: doc.interfaces(&raw.bench)?,
        trader_host: doc.trader_host(&raw.bench)?,
        deferral: doc.deferral(&raw.bench)?,
        queue: raw.bench.queue.as_ref().map(|queue| *queue.get_ref()),
        tape: doc.tape(&raw.tape, folder)?,
        excerpt: doc.excerpt(&raw.tape)?,
        excerpt_place: raw.tape.from.as_ref().or(raw.tape.until.as_ref()).map(|s| Place(s.span())),
        strategy: doc.strategy(&raw.strategy)?,
        risk: doc.risk(&raw.risk)?,
        noise: doc.noise(&raw.noise)?,
        stamps: doc.stamps(&raw.stamps)?,
        warnings: warnings(&run),
        lane_places: lane_places(&raw.run, &raw.requirement),
        transports: raw.transport.into_iter().map(|(name, table)| TransportTable::new(name, table)).collect(),
        run,
        loads,
        sweep,
        hand_off: raw.hand_off.as_ref().map(|h| doc.handoff(h)).transpose()?,
        requirements,
    })
}

const DEFAULT_WINDOW: Window = Window { orders: 10_000, max_duration: Nanos(10_000_000_000) };

fn warnings(run: &Run) -> Vec<String> {
    let mut warnings = Vec::new();
    if run.repetitions < FEWEST_REPETITIONS_FOR_INTERVALS {
        warnings.push(format!(
            "repetitions = {}: a 95 % interval needs at least {FEWEST_REPETITIONS_FOR_INTERVALS}, so no latency limit can pass",
            run.repetitions
        ));
    }
    warnings
}

fn lane_places(run: &RawRun, requirements: &[Spanned<super::raw::RawRequirement>]) -> Vec<(String, Place)> {
    let of_requirements = requirements.iter().flat_map(|r| &r.get_ref().lanes);
    run.lanes
        .get_ref()
        .iter()
        .chain(&run.optional_lanes)
        .chain(of_requirements)
        .map(|l| (l.get_ref().clone(), Place(l.span())))
        .collect()
}

/// The text under examination, and the helpers that complain about it.
pub(super) struct Document<'t> {
    pub(super) file: &'t str,
    pub(super) text: &'t str,
}

impl Document<'_> {
    fn parse<T: DeserializeOwned>(&self) -> Result<T, ProfileError> {
        toml::from_str(self.text).map_err(|e| {
            let place = Place(e.span().unwrap_or(0..0));
            let (what, remedy) = translate(e.message(), place.of(self.text));
            place.error(self.file, self.text, what, remedy)
        })
    }

    pub(super) fn error<T>(&self, at: &Spanned<T>, what: impl Display, remedy: impl Display) -> ProfileError {
        Place(at.span()).error(self.file, self.text, what.to_string(), remedy.to_string())
    }

    /// A complaint about something that is missing from the whole file.
    pub(super) fn at_end(&self, what: &str, remedy: &str) -> ProfileError {
        let end = self.text.trim_end().len();
        Place(end..end).error(self.file, self.text, what.to_owned(), remedy.to_owned())
    }

    /// The value as it stands in the file.
    pub(super) fn at<T>(&self, value: &Spanned<T>) -> &str {
        Place(value.span()).of(self.text)
    }

    /// The text of a value that needs a unit; `unit` is what a bare number probably lacks, `needs` what would do.
    pub(super) fn with_unit<'s>(
        &self,
        value: &'s Spanned<Scalar>,
        unit: &str,
        needs: &str,
    ) -> Result<&'s str, ProfileError> {
        match value.get_ref() {
            Scalar::Text(text) => Ok(text),
            Scalar::Number(number) => Err(self.no_unit(value, number, unit, needs)),
        }
    }

    fn no_unit(&self, value: &Spanned<Scalar>, number: &str, unit: &str, needs: &str) -> ProfileError {
        let line = Place(value.span()).corrected_line(self.text, &format!("\"{number} {unit}\""));
        self.error(value, format!("`{number}` has no unit"), format!("{needs}; write for example: {line}"))
    }

    pub(super) fn duration(&self, value: &Spanned<Scalar>) -> Result<Nanos, ProfileError> {
        const NEEDS: &str = "a duration needs one of ns, us, ms, s, min";
        let text = self.with_unit(value, "ms", NEEDS)?;
        let duration = parse_duration(text).map_err(|e| self.unit_error(value, &e, "ms", NEEDS))?;
        if duration == Nanos::ZERO {
            return Err(self.error(value, "a duration of zero", "write one above zero"));
        }
        Ok(duration)
    }

    fn duration_or(&self, value: Option<&Spanned<Scalar>>, default: Nanos) -> Result<Nanos, ProfileError> {
        value.map_or(Ok(default), |v| self.duration(v))
    }

    pub(super) fn unit_error(&self, at: &Spanned<Scalar>, e: &UnitError, unit: &str, needs: &str) -> ProfileError {
        match e {
            UnitError::Missing(number) => self.no_unit(at, number, unit, needs),
            _ => self.error(at, e, needs),
        }
    }

    /// A count that must not be zero.
    pub(super) fn at_least_one<T: Copy + PartialEq + From<u8>>(
        &self,
        key: &str,
        value: Option<&Spanned<T>>,
        default: T,
    ) -> Result<T, ProfileError> {
        match value {
            None => Ok(default),
            Some(v) if *v.get_ref() == T::from(0) => {
                Err(self.error(v, format!("`{key}` is 0"), format!("write at least `{key} = 1`")))
            }
            Some(v) => Ok(*v.get_ref()),
        }
    }

    pub(super) fn window(
        &self,
        orders: Option<&Spanned<u64>>,
        max_duration: Option<&Spanned<Scalar>>,
        default: Window,
    ) -> Result<Window, ProfileError> {
        Ok(Window {
            orders: self.at_least_one("orders", orders, default.orders)?,
            max_duration: self.duration_or(max_duration, default.max_duration)?,
        })
    }

    fn run(&self, raw: &RawRun, two_hosts: bool, sweep: bool) -> Result<Run, ProfileError> {
        let (lanes, optional_lanes) = self.lanes(raw)?;
        Ok(Run {
            lanes,
            optional_lanes,
            repetitions: self.at_least_one(
                "repetitions",
                raw.repetitions.as_ref(),
                FEWEST_REPETITIONS_FOR_INTERVALS,
            )?,
            retries: raw.retries.unwrap_or(0),
            staged_repetitions: raw.staged_repetitions.unwrap_or(1),
            floor: raw.floor.unwrap_or(true),
            machine: raw.machine.unwrap_or(true),
            attribution: self.attribution(raw.attribution.as_ref())?,
            seed: raw.seed.unwrap_or(1),
            orders_late_after: self.duration_or(raw.orders_late_after.as_ref(), Nanos::MILLI * 10)?,
            stall: self.duration_or(raw.stall.as_ref(), Nanos::MILLI * 200)?,
            placement: raw.placement.as_ref().map(|p| self.placement(p, two_hosts)).transpose()?,
            placements: self.placements(raw, two_hosts, sweep)?,
            handoffs: self.handoffs_of_lanes(raw, two_hosts, sweep)?,
            queue: self.queue_size(raw.queue_capacity.as_ref(), raw.queue_message_bytes.as_ref())?,
        })
    }

    fn attribution(&self, raw: Option<&Spanned<String>>) -> Result<Attribution, ProfileError> {
        let Some(raw) = raw else { return Ok(Attribution::Events) };
        match raw.get_ref().as_str() {
            "off" => Ok(Attribution::Off),
            "events" => Ok(Attribution::Events),
            "calls" => Ok(Attribution::Calls),
            other => {
                Err(self.error(raw, format!("no attribution `{other}`"), "write \"off\", \"events\" or \"calls\""))
            }
        }
    }

    /// Those that the profile wants, and those that it takes where they can be had.
    fn lanes(&self, raw: &RawRun) -> Result<(LaneSelection, Vec<String>), ProfileError> {
        if raw.lanes.get_ref().is_empty() {
            let remedy = "name at least one, as in `lanes = [\"kernel-udp\"]`, or write `lanes = [\"all\"]`";
            return Err(self.error(&raw.lanes, "no lane", remedy));
        }
        let mut seen = HashSet::new();
        let mut every = raw.lanes.get_ref().iter().chain(&raw.optional_lanes);
        if let Some(twice) = every.find(|lane| !seen.insert(lane.get_ref())) {
            let what = format!("lane `{}` stands here twice", twice.get_ref());
            return Err(self.error(twice, what, "leave one out"));
        }
        let is_all = |lane: &&Spanned<String>| lane.get_ref() == suggest::ALL_LANES;
        if let Some(all) = raw.optional_lanes.iter().find(is_all) {
            return Err(self.error(all, "`all` is no lane", "name those that may be missing one by one"));
        }
        let all = raw.lanes.get_ref().iter().any(|lane| is_all(&lane));
        if let (true, Some(optional)) = (all, raw.optional_lanes.first()) {
            let what = format!("`{}` is among all lanes, which must run", optional.get_ref());
            return Err(self.error(optional, what, "name those that must run in `lanes`, in place of `all`"));
        }
        let names = |lanes: &[Spanned<String>]| lanes.iter().map(|l| l.get_ref().clone()).collect();
        let lanes = if all { LaneSelection::All } else { LaneSelection::Named(names(raw.lanes.get_ref())) };
        Ok((lanes, names(&raw.optional_lanes)))
    }

    fn placement(&self, raw: &Spanned<RawPlacement>, two_hosts: bool) -> Result<CorePair, ProfileError> {
        let RawPlacement { exchange_core, trader_core, decide_core, send_core, exchange_memory, trader_memory } =
            *raw.get_ref();
        if exchange_core == trader_core && !two_hosts {
            let what = format!("core {trader_core} for both endpoints: each would wait for the other to leave it");
            return Err(self.error(raw, what, "give each its own core, or leave `placement` out to have two chosen"));
        }
        let thread_cores = self.thread_cores(raw, (exchange_core, trader_core), (decide_core, send_core))?;
        Ok(CorePair { exchange_core, trader_core, thread_cores, exchange_memory, trader_memory })
    }

    fn noise(&self, raw: &RawNoise) -> Result<NoiseSpec, ProfileError> {
        Ok(NoiseSpec {
            duration: self.duration_or(raw.duration.as_ref(), Nanos::SECOND)?,
            threshold: self.duration_or(raw.threshold.as_ref(), Nanos::MICRO)?,
        })
    }
}

/// The parser's complaint in the words of these documents, with what to do. `found` is the text at its place.
fn translate(message: &str, found: &str) -> (String, String) {
    let message = message.lines().next().unwrap_or_default();
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    if let (true, Some((key, known))) = (message.starts_with("unknown field"), quoted.split_first()) {
        let what = format!("unknown key `{key}`{}", suggest::did_you_mean(key, known));
        return (what, format!("keys that may stand here: {}", known.join(", ")));
    }
    if let (true, Some(key)) = (message.starts_with("missing field"), quoted.first()) {
        return (format!("missing key `{key}`"), format!("add `{key} = …`; docs/PROFILES.md describes every key"));
    }
    let plain = message
        .replace("u32", "a whole number, 0 or more")
        .replace("u64", "a whole number, 0 or more")
        .replace("i64", "a whole number")
        .replace("a sequence", "a list in brackets");
    let remedy = if found.is_empty() {
        "mend the TOML here; https://toml.io shows its rules".to_owned()
    } else {
        format!("found here: {}", found.lines().next().unwrap_or_default())
    };
    (plain, remedy)
}
