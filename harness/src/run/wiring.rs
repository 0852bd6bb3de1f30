//! The wire of a run, set up on one host or, an end each, on two.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use tickcert_transports::api::{Link, Role, Unmet};

use super::endpoints::{Far, Homes};
use crate::{
    bench::{Bench, BenchError, BenchSpec, OneEnd, Tuned, Wire},
    remote::{
        RemoteError, Session,
        protocol::{Problem, ethernet},
    },
};

/// The wire. Dropping it undoes every change to the hosts.
#[derive(Debug)]
pub enum Wiring {
    /// Both ends are here.
    OneHost(Bench),
    /// The trader's is there.
    TwoHosts(TwoHosts),
}

/// Both ends of a wire between two hosts.
#[derive(Debug)]
pub struct TwoHosts {
    end: OneEnd,
    netns: PathBuf,
    link: Link,
    tuned: Vec<Tuned>,
    session: Arc<Session>,
}

impl Wiring {
    /// Sets it up, with the trader's end on the host of the session, if there is one.
    ///
    /// # Errors
    /// [`Unmet`]; everything done until then is undone.
    pub fn set_up(spec: &BenchSpec, far: Option<&Arc<Session>>) -> Result<Self, Unmet> {
        match (&spec.wire, far) {
            (Wire::TwoHosts { exchange, trader, force }, Some(session)) => {
                TwoHosts::set_up(spec, [exchange, trader], *force, session).map(Self::TwoHosts)
            }
            _ => Bench::set_up(spec).map(Self::OneHost).map_err(BenchError::into_unmet),
        }
    }

    /// The wire, as both ends are told of it.
    #[must_use]
    pub const fn link(&self) -> &Link {
        match self {
            Self::OneHost(bench) => &bench.link,
            Self::TwoHosts(both) => &both.link,
        }
    }

    /// How each interface is, the exchange's first.
    #[must_use]
    pub fn tuned(&self) -> &[Tuned] {
        match self {
            Self::OneHost(bench) => &bench.tuned,
            Self::TwoHosts(both) => &both.tuned,
        }
    }

    /// Where the namespaces of both ends' interfaces can be entered, the exchange's first; `None` of another host's.
    #[must_use]
    pub fn namespaces(&self) -> [Option<PathBuf>; 2] {
        match self {
            Self::OneHost(bench) => [Some(bench.exchange_netns.clone()), Some(bench.trader_netns.clone())],
            Self::TwoHosts(both) => [Some(both.netns.clone()), None],
        }
    }

    /// The bench, where it is all on this host.
    #[must_use]
    pub const fn on_this_host(&self) -> Option<&Bench> {
        match self {
            Self::OneHost(bench) => Some(bench),
            Self::TwoHosts(_) => None,
        }
    }

    /// Where the ends of a trial run.
    #[must_use]
    pub fn homes<'a>(&'a self, logs: &'a Path) -> Homes<'a> {
        let (exchange, trader, far) = match self {
            Self::OneHost(bench) => (&bench.exchange_netns, Some(bench.trader_netns.as_path()), None),
            Self::TwoHosts(both) => {
                (&both.netns, None, Some(Far { session: Arc::clone(&both.session), in_namespace: true }))
            }
        };
        Homes { exchange: Some(exchange), trader, logs, program: None, far }
    }

    /// Takes it down; what could not be undone, a line each.
    #[must_use]
    pub fn take_down(self) -> Vec<String> {
        match self {
            Self::OneHost(bench) => bench.take_down().err().map(|e| e.into_unmet().how).into_iter().collect(),
            Self::TwoHosts(both) => {
                let TwoHosts { end, session, .. } = both;
                let here = end.take_down().err().map(|e| e.into_unmet().how);
                let there = session.give_back().unwrap_or_else(|e| Some(e.to_string()));
                here.into_iter().chain(there.map(|left| format!("on {}: {left}", session.host()))).collect()
            }
        }
    }
}

impl TwoHosts {
    fn set_up(
        spec: &BenchSpec,
        [exchange, trader]: [&String; 2],
        force: bool,
        session: &Arc<Session>,
    ) -> Result<Self, Unmet> {
        let remote = |e| unmet(session, e);
        let is_virtual = spec.wire.virtual_because().map_err(BenchError::into_unmet)?.is_some()
            || session.survey().virtual_because.is_some();
        let there = session.lend(spec.tuning).map_err(remote)?;
        let end = OneEnd::lend(Role::Exchange, exchange, force, spec.tuning, &spec.run_dir);
        let end = end.map_err(BenchError::into_unmet)?;
        let at_most = spec.connect_timeout;
        // Both are on by now, so a cable between them carries.
        let trader_mac = session.carrier(at_most).map_err(remote)?;
        let exchange_mac = end.carrier(at_most).map_err(BenchError::into_unmet)?;
        end.meet(&trader_mac).map_err(BenchError::into_unmet)?;
        let mut called = Ok(());
        let heard = session.hear(exchange_mac.clone(), at_most, |goes_on| called = end.call(goes_on));
        called.map_err(BenchError::into_unmet)?;
        heard.map_err(remote)?;
        let names = [exchange.clone(), trader.clone()];
        let link = spec.link(names, [ethernet(exchange_mac), ethernet(trader_mac)]);
        let tuned = vec![end.tuned.clone(), there];
        let link = Link { is_virtual, same_host: false, ..link };
        Ok(Self { netns: end.netns(), end, link, tuned, session: Arc::clone(session) })
    }
}

/// As the reason of a `not-run` row.
pub(super) fn unmet(session: &Session, error: RemoteError) -> Unmet {
    match error {
        RemoteError::Problem { host, problem: Problem::Lacks { unmet } } => {
            Unmet { needs: format!("{} on {host}", unmet.needs), how: unmet.how }
        }
        e => Unmet { needs: format!("the trader's end on {}", session.host()), how: e.to_string() },
    }
}
