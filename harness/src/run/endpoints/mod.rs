//! The two endpoints of a trial as the parent sees them: started, commanded, watched, ended.

mod error;
mod far;
mod homes;
mod process;

use std::{
    io,
    sync::mpsc::{self, Receiver, RecvTimeoutError, Sender},
    time::{Duration, Instant},
};

use tickcert_results::time::Nanos;
use tickcert_transports::api::Role;

use super::interrupt;
use crate::endpoint::control::{
    Command, ExchangeReport, PingPongReport, PingPongSpec, Report, TraderReport, TrialSpec,
};

pub use error::TrialError;
pub use far::Far;
use far::FarEnd;
pub use homes::Homes;
pub(crate) use process::{Event, Process};

/// Beyond what a trial should take: time for loading, warming and writing on a host that stalls.
const GRACE: Duration = Duration::from_secs(30);
/// How often a wait looks whether the user wants to stop.
const LOOK: Duration = Duration::from_millis(100);

/// Both endpoints. Dropping it ends them.
pub struct Pair {
    exchange: End,
    trader: End,
    events: Receiver<(Role, Event)>,
}

/// Somebody who looks on while a trial is measured.
pub trait Watcher {
    /// Both ends are ready, and go as soon as this returns; these are their threads, of exchange and trader.
    fn go(&mut self, _timed: [u32; 2]) {}

    /// Time passes: called now and then while both are at work.
    fn look(&mut self) {}
}

/// Nobody.
impl Watcher for () {}

/// One of them.
enum End {
    Here(Process),
    There(FarEnd),
}

impl End {
    fn start(role: Role, homes: &Homes<'_>, said: Sender<(Role, Event)>) -> Result<Self, TrialError> {
        let tell = move |event| said.send((role, event)).is_ok();
        let netns = match (role, &homes.far) {
            (Role::Trader, Some(far)) => return Ok(Self::There(FarEnd::start(far, Box::new(tell))?)),
            (Role::Trader, None) => homes.trader,
            (Role::Exchange, _) => homes.exchange,
        };
        let started = Process::start(role, netns, homes.logs, homes.program, tell);
        started.map(Self::Here).map_err(|e| TrialError::Start(role, e))
    }

    fn command(&mut self, command: &Command) -> io::Result<()> {
        match self {
            Self::Here(process) => process.command(command),
            Self::There(end) => end.command(command),
        }
    }

    /// The number of its only thread, if it is on this host.
    fn thread(&self) -> Option<u32> {
        match self {
            Self::Here(process) => Some(process.id()),
            Self::There(_) => None,
        }
    }

    /// Why it says nothing any more.
    fn end(&mut self, role: Role) -> TrialError {
        match self {
            Self::Here(process) => TrialError::Died(role, process.end_in_words()),
            Self::There(end) => end.end(role),
        }
    }
}

impl Pair {
    /// Starts both processes; they wait for commands.
    ///
    /// # Errors
    /// [`TrialError::Start`], or that the trader's host is lost.
    pub fn start(homes: &Homes<'_>) -> Result<Self, TrialError> {
        let (said, events) = mpsc::channel();
        Ok(Self {
            exchange: End::start(Role::Exchange, homes, said.clone())?,
            trader: End::start(Role::Trader, homes, said)?,
            events,
        })
    }

    /// Runs one trial; the samples lie in the files that the specs name.
    ///
    /// # Errors
    /// [`TrialError`]; the pair is of no further use then.
    pub fn trial(
        &mut self,
        exchange: &TrialSpec,
        trader: &TrialSpec,
        lasts: Nanos,
        watcher: &mut dyn Watcher,
    ) -> Result<(ExchangeReport, TraderReport), TrialError> {
        self.command(Role::Exchange, &Command::Open(Box::new(exchange.clone())))?;
        self.command(Role::Trader, &Command::Open(Box::new(trader.clone())))?;
        let limit = GRACE + Duration::from(lasts) + Duration::from(exchange.late_after * 2);
        self.begin(limit, watcher)?;
        let (mut exchanged, mut traded) = (None, None);
        self.collect(limit, watcher, |role, report| {
            match (role, report) {
                (Role::Exchange, Report::Exchanged(r)) => exchanged = Some((**r).clone()),
                (Role::Trader, Report::Traded(r)) => traded = Some((**r).clone()),
                _ => return false,
            }
            true
        })?;
        if let End::There(end) = &mut self.trader {
            end.fetch_samples(&trader.samples)?;
        }
        Ok((exchanged.unwrap_or_default(), traded.unwrap_or_default()))
    }

    /// Runs one ping-pong; the reports are the exchange's and the trader's.
    ///
    /// # Errors
    /// As [`Pair::trial`].
    pub fn ping_pong(
        &mut self,
        exchange: &PingPongSpec,
        trader: &PingPongSpec,
    ) -> Result<(PingPongReport, PingPongReport), TrialError> {
        self.command(Role::Exchange, &Command::OpenPingPong(Box::new(exchange.clone())))?;
        self.command(Role::Trader, &Command::OpenPingPong(Box::new(trader.clone())))?;
        let limit = GRACE + Duration::from(exchange.duration + exchange.warm_up);
        self.begin(limit, &mut ())?;
        let (mut initiated, mut echoed) = (None, None);
        self.collect(limit, &mut (), |role, report| {
            match (role, report) {
                (Role::Exchange, Report::PingPonged(r)) => initiated = Some(r.clone()),
                (Role::Trader, Report::PingPonged(r)) => echoed = Some(r.clone()),
                _ => return false,
            }
            true
        })?;
        Ok((initiated.unwrap_or_default(), echoed.unwrap_or_default()))
    }

    /// Both ready, then the trader goes, then, when it is in its loop, the exchange. It is over within `limit` then.
    fn begin(&mut self, limit: Duration, watcher: &mut dyn Watcher) -> Result<(), TrialError> {
        self.collect(GRACE, &mut (), |_, report| matches!(report, Report::Ready))?;
        if let End::There(end) = &mut self.trader {
            end.hush(limit)?;
        }
        if let (Some(exchange), Some(trader)) = (self.exchange.thread(), self.trader.thread()) {
            watcher.go([exchange, trader]);
        }
        self.command(Role::Trader, &Command::Go)?;
        self.one(GRACE, Role::Trader, |r| matches!(r, Report::Running))?;
        self.command(Role::Exchange, &Command::Go)?;
        self.one(GRACE, Role::Exchange, |r| matches!(r, Report::Running))
    }

    fn command(&mut self, role: Role, command: &Command) -> Result<(), TrialError> {
        match self.end_of(role).command(command) {
            // The reason will be in what the process said, or in how it ended.
            Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Err(self.explain_end(role)),
            other => other.map_err(|e| TrialError::Channel(role, e)),
        }
    }

    /// One report from each end.
    fn collect(
        &mut self,
        limit: Duration,
        watcher: &mut dyn Watcher,
        mut take: impl FnMut(Role, &Report) -> bool,
    ) -> Result<(), TrialError> {
        let deadline = Instant::now() + limit;
        let mut missing = vec![Role::Exchange, Role::Trader];
        while let Some(waiting_for) = missing.first().copied() {
            let (role, report) = self.next(deadline, waiting_for, limit, watcher)?;
            if !take(role, &report) {
                return Err(TrialError::OutOfTurn(role, format!("{report:?}")));
            }
            missing.retain(|r| *r != role);
        }
        Ok(())
    }

    fn one(&mut self, limit: Duration, from: Role, is: impl Fn(&Report) -> bool) -> Result<(), TrialError> {
        let (role, report) = self.next(Instant::now() + limit, from, limit, &mut ())?;
        if role == from && is(&report) { Ok(()) } else { Err(TrialError::OutOfTurn(role, format!("{report:?}"))) }
    }

    fn next(
        &mut self,
        deadline: Instant,
        waiting_for: Role,
        limit: Duration,
        watcher: &mut dyn Watcher,
    ) -> Result<(Role, Report), TrialError> {
        loop {
            if interrupt::wanted() {
                return Err(TrialError::Interrupted);
            }
            match self.events.recv_timeout(LOOK) {
                Ok((role, Event::Said(Report::Failed { error }))) => return Err(TrialError::Failed(role, error)),
                Ok((role, Event::Said(Report::Unmet(unmet)))) => return Err(TrialError::Unmet(role, unmet)),
                Ok((role, Event::Said(report))) => return Ok((role, report)),
                Ok((role, Event::Broken(e))) => return Err(TrialError::Channel(role, e)),
                Ok((role, Event::Ended)) => return Err(self.explain_end(role)),
                Err(RecvTimeoutError::Timeout) if Instant::now() < deadline => watcher.look(),
                Err(_) => return Err(TrialError::Silent(waiting_for, limit)),
            }
        }
    }

    fn explain_end(&mut self, role: Role) -> TrialError {
        while let Ok((from, event)) = self.events.try_recv() {
            if let (true, Event::Said(Report::Failed { error })) = (from == role, event) {
                return TrialError::Failed(role, error);
            }
        }
        self.end_of(role).end(role)
    }

    const fn end_of(&mut self, role: Role) -> &mut End {
        match role {
            Role::Exchange => &mut self.exchange,
            Role::Trader => &mut self.trader,
        }
    }
}
