//! What a run does otherwise when the trader is on another host: it asks both what they can do, looks at both, and says what no
//! two clocks can tell.

use std::path::Path;

use serde_json::Value;
use tickcert_probes::{host, latency_hold::LatencyHold, noise};
use tickcert_results::{
    certificate::{ClockProbe, ExchangeHost, NotRun, NotRunKind, Probes, Sut},
    time::TickScale,
};
use tickcert_scenarios::profile::NoiseSpec;
use tickcert_transports::{
    Lane, SettingsError,
    api::{Caps, Job, Transport, Unmet},
    dispatch, read_settings,
};

use super::{progress::Progress, settings, wiring, wiring::Wiring};
use crate::{
    cli::Preflight,
    remote::{Session, protocol::Probed},
};

/// What a lane can do on this host and, where the trader is on another, on that one: the weaker evidence of the two.
///
/// # Errors
/// Settings that the transport doesn't understand.
pub fn preflight(
    lane: Lane,
    settings: &Value,
    virtual_link: bool,
    far: Option<&Session>,
) -> Result<Result<Caps, Unmet>, SettingsError> {
    if far.is_some() && dispatch(lane, NeedsOneHost(settings))? {
        return Ok(Err(Unmet {
            needs: "both ends on one host, in whose memory they meet".to_owned(),
            how: "leave the trader's host out for this lane".to_owned(),
        }));
    }
    let here = dispatch(lane, Preflight { settings, virtual_link })?;
    let (Ok(caps), Some(far)) = (&here, far) else { return Ok(here) };
    let there = match far.preflight(lane, settings, virtual_link) {
        Ok(there) => there,
        Err(e) => return Ok(Err(wiring::unmet(far, e))),
    };
    Ok(match there {
        Err(unmet) => Err(Unmet { needs: format!("on {}: {}", far.host(), unmet.needs), how: unmet.how }),
        Ok(there) if there.evidence < caps.evidence => Ok(there),
        Ok(_) => here,
    })
}

struct NeedsOneHost<'s>(&'s Value);

impl Job for NeedsOneHost<'_> {
    type Out = Result<bool, SettingsError>;

    fn run<T: Transport>(self) -> Self::Out {
        Ok(T::needs_one_host(&read_settings::<T>(self.0)?))
    }
}

/// The system under test, and the exchange's host where that is another. Of that one the clock is what `clock` says.
#[must_use]
pub fn hosts(far: Option<&Session>, label: Option<&str>, clock: &ClockProbe) -> (Sut, Option<ExchangeHost>) {
    let here = host::read(Path::new("/"));
    let Some(far) = far else { return (host::sut(here, label), None) };
    let (sut, hash) = host::sut_beside(far.survey().host.clone(), &here, label);
    let clocks = clock.clone();
    (sut, Some(ExchangeHost { hash, host: here, audit: Vec::new(), clocks, noise: None }))
}

/// The hypervisor of either host, or `none`.
#[must_use]
pub fn hypervisor<'a>(sut: &'a Sut, exchange: Option<&'a ExchangeHost>) -> &'a str {
    let of_exchange = exchange.map(|host| host.host.virtualised.as_str());
    let all = [Some(sut.host.virtualised.as_str()), of_exchange];
    all.into_iter().flatten().find(|found| *found != "none").unwrap_or("none")
}

/// What is found out about the hosts before any trial.
pub(super) struct Look<'a> {
    pub(super) far: &'a Session,
    pub(super) exchange_core: u32,
    pub(super) noise: &'a NoiseSpec,
    pub(super) scale: TickScale,
    pub(super) hold: &'a LatencyHold,
    pub(super) wiring: &'a Wiring,
}

impl Look<'_> {
    /// Settings and noise of both: the trader's into `probes`, the exchange's into its own record.
    pub(super) fn at_both(
        &self,
        probes: &mut Probes,
        exchange: &mut ExchangeHost,
        not_run: &mut Vec<NotRun>,
        progress: &Progress,
    ) {
        let (spec, host) = (self.noise, self.far.host());
        progress.say(&format!(
            "Watching core {} here and core {} of {host} for noise, {} each",
            self.exchange_core,
            self.far.survey().core,
            spec.duration
        ));
        let missed = |which: &str, why: String| {
            let how = "choose cores that may be used there (--exchange-core, --trader-core)";
            NotRun::new(NotRunKind::Probe, format!("noise of the {which}'s core"), why, how)
        };
        let mut rows = Vec::new();
        match noise::measure(Path::new("/"), &[self.exchange_core], spec.duration, spec.threshold, self.scale) {
            Ok(found) => {
                exchange.noise = Some(found.probe);
                rows.extend(of_host("exchange", found.uncounted));
            }
            Err(e) => rows.push(missed("exchange", format!("{:#}", anyhow::Error::new(e)))),
        }
        exchange.audit.push(settings::held(self.hold));
        match self.far.probe(spec.duration, spec.threshold) {
            Ok(Probed { audit, noise, uncounted, stamp_cost_ns, record_cost_ns }) => {
                rows.extend(of_host("trader", uncounted));
                (probes.stamp_cost_ns, probes.record_cost_ns) = (stamp_cost_ns, record_cost_ns);
                probes.audit = audit;
                match noise {
                    Ok(found) => probes.noise = Some(found),
                    Err(why) => rows.push(missed("trader", why)),
                }
            }
            Err(e) => rows.push(missed("trader", e.to_string())),
        }
        for (into, tuned) in [&mut exchange.audit, &mut probes.audit].into_iter().zip(self.wiring.tuned()) {
            into.extend(tuned.deferral.map(|found| settings::put_off(&tuned.interface, found)));
        }
        not_run.extend(rows);
    }
}

/// Rows that either host may have say of which they are.
fn of_host(which: &str, rows: Vec<NotRun>) -> impl Iterator<Item = NotRun> {
    rows.into_iter().map(move |row| NotRun { name: format!("{which}'s host: {}", row.name), ..row })
}

/// What is not measured between two hosts, and why: rows beside the lanes that can't run.
pub(super) fn unknown() -> [NotRun; 3] {
    let row = |name: &str, needs: &str, how: &str| NotRun::new(NotRunKind::Probe, name, needs, how);
    [
        row(
            "one-way figures: the stages rx and tx, counters in step",
            "synchronised clocks: the ticks are stamped by one host and the trader's stages by another",
            "see t2t_sent and t2t_due, of the exchange's clock alone, and trader and the stages decode to encode, of the trader's",
        ),
        row(
            "floor lane (shm)",
            "both ends on one host, since it crosses nothing but memory",
            "run `tickcert certify` on the trader's host alone for the tool's own overhead there",
        ),
        row(
            "what the hosts are made of, core to core, and memory",
            "both ends on one host, whose parts are then measured",
            "run `tickcert probe` on each",
        ),
    ]
}
