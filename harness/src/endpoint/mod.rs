//! The endpoint processes, `tickcert endpoint`: pinned, memory locked, one trial at a time as the parent commands.

pub mod control;
mod desk;
mod exchange;
mod gate;
mod outbox;
mod phase;
mod ping_pong;
pub(crate) mod process;
mod records;
pub mod samples;
pub mod stamp_log;
mod stamping;
mod trader;
mod trouble;
mod trouble_ffi;

use std::io::{self, BufRead, Write};

use anyhow::{Context, Result, bail};
use control::{Command, PingPongSpec, Report, TrialSpec};
use tickcert_scenarios::tape::Tape;
use tickcert_transports::{
    Lane,
    api::{Job, OpenError, Role, Transport, Unmet},
    dispatch, read_settings,
};

/// Serves the parent's commands until it says [`Command::Quit`] or closes.
///
/// # Errors
/// When the control channel itself is broken; what goes wrong in a trial is reported through it.
pub fn serve(from: &mut impl BufRead, to: &mut impl Write) -> io::Result<()> {
    while let Some(command) = control::receive(from)? {
        let outcome = match command {
            Command::Open(spec) => run_trial(&spec, from, to),
            Command::OpenPingPong(spec) => run_ping_pong(&spec, from, to),
            Command::Go => Err(anyhow::anyhow!("told to go before a lane was open")),
            Command::Quit => return Ok(()),
        };
        if let Err(error) = outcome {
            let report = match error.downcast_ref::<Unmet>() {
                Some(unmet) => Report::Unmet(unmet.clone()),
                None => Report::Failed { error: format!("{error:#}") },
            };
            control::send(to, &report)?;
        }
    }
    Ok(())
}

pub(crate) fn lane(name: &str) -> Result<Lane> {
    Lane::by_name(name).with_context(|| format!("this build has no lane `{name}`; it has {}", Lane::names().join(", ")))
}

fn run_trial(spec: &TrialSpec, from: &mut dyn BufRead, to: &mut dyn Write) -> Result<()> {
    process::prepare(spec.core, spec.memory_node)?;
    let tape = Tape::open(&spec.tape)?;
    if tape.sha256() != spec.tape_sha256 {
        bail!(
            "the tape {} has changed since it was built: {} instead of {}",
            spec.tape.display(),
            tape.sha256(),
            spec.tape_sha256
        );
    }
    dispatch(lane(&spec.lane)?, Trial { spec, tape: &tape, from, to })
}

struct Trial<'a> {
    spec: &'a TrialSpec,
    tape: &'a Tape,
    from: &'a mut dyn BufRead,
    to: &'a mut dyn Write,
}

impl Job for Trial<'_> {
    type Out = Result<()>;

    fn run<T: Transport>(self) -> Result<()> {
        let config = read_settings::<T>(&self.spec.settings)?;
        let channel = T::preflight(&config, self.spec.link.is_virtual)?.orders;
        let mut cue = Cue { from: self.from, to: self.to };
        let open = || T::open(&config, &self.spec.link, self.spec.role).map_err(|e| explain(e, &self.spec.lane));
        let report = match self.spec.role {
            Role::Exchange => {
                Report::Exchanged(Box::new(exchange::run::<T>(self.spec, self.tape, channel, open, &mut cue)?))
            }
            Role::Trader => Report::Traded(Box::new(trader::run::<T>(self.spec, self.tape, channel, open, &mut cue)?)),
        };
        cue.send(&report)
    }
}

fn run_ping_pong(spec: &PingPongSpec, from: &mut dyn BufRead, to: &mut dyn Write) -> Result<()> {
    process::prepare(spec.core, spec.memory_node)?;
    dispatch(lane(&spec.lane)?, PingPong { spec, cue: Cue { from, to } })
}

struct PingPong<'a> {
    spec: &'a PingPongSpec,
    cue: Cue<'a>,
}

impl Job for PingPong<'_> {
    type Out = Result<()>;

    fn run<T: Transport>(mut self) -> Result<()> {
        let config = read_settings::<T>(&self.spec.settings)?;
        let ends = T::open(&config, &self.spec.link, self.spec.role).map_err(|e| explain(e, &self.spec.lane))?;
        self.cue.ready()?;
        self.cue.wait_for_go()?;
        let report = ping_pong::run::<T>(self.spec, ends, &mut self.cue)?;
        self.cue.send(&Report::PingPonged(report))
    }
}

/// An unmet need stays one, so that the parent can tell it from a failure.
fn explain(error: OpenError, lane: &str) -> anyhow::Error {
    match error {
        OpenError::Unmet(unmet) => unmet.into(),
        OpenError::Io(e) => anyhow::Error::new(e).context(format!("can't open {lane}")),
    }
}

/// The endpoint's side of the choreography: ready, go, running.
struct Cue<'a> {
    from: &'a mut dyn BufRead,
    to: &'a mut dyn Write,
}

impl Cue<'_> {
    fn send(&mut self, report: &Report) -> Result<()> {
        control::send(&mut self.to, report).context("the parent is gone")
    }

    fn ready(&mut self) -> Result<()> {
        self.send(&Report::Ready)
    }

    /// Says that the timed loop begins; nothing is said after this until it is over.
    fn running(&mut self) -> Result<()> {
        self.send(&Report::Running)
    }

    fn wait_for_go(&mut self) -> Result<()> {
        match control::receive(&mut self.from)? {
            Some(Command::Go) => Ok(()),
            Some(other) => bail!("expected the command to go, got {other:?}"),
            None => bail!("the parent closed the control channel"),
        }
    }
}
