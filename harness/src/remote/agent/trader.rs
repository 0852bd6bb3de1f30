//! The trader's process, between its start and its end.

use std::{fs::File, io, path::PathBuf};

use anyhow::Context;
use tickcert_transports::api::{Link, Role};

use super::{Agent, Came, Problem, failed, of_bench, protocol};
use crate::{
    bench::fitting::Fitting,
    endpoint::control::{Command, PingPongSpec, TrialSpec},
    remote::protocol::Answer,
    run::endpoints::{Event, Process},
};

/// The process.
pub(super) struct Trader {
    process: Process,
    /// Of those before it nothing is passed on any more.
    number: u64,
    /// What was on the interface before.
    before: Option<Fitting>,
}

impl Agent {
    fn samples(&self) -> PathBuf {
        self.scratch.path().join("trader.samples")
    }

    pub(super) fn start(&mut self, number: u64, in_namespace: bool) -> Result<(), Problem> {
        self.trader = None;
        // What is there from before is not to be taken for what comes of this one.
        let _ = std::fs::remove_file(self.samples());
        let lent = self.lent()?;
        let before = in_namespace.then(|| lent.fitting()).transpose().map_err(of_bench)?;
        let netns = in_namespace.then(|| lent.netns());
        let tell = self.tell.clone();
        let tell = move |event| tell.send(Came::Trader(number, event)).is_ok();
        let process = Process::start(Role::Trader, netns.as_deref(), self.scratch.path(), None, tell)
            .context("the trader can't be started")
            .map_err(|e| failed(&e))?;
        self.trader = Some(Trader { process, number, before });
        Ok(())
    }

    /// What can't be told will show: the trader has ended then, which is passed on.
    pub(super) fn tell_trader(&mut self, command: Command) {
        let command = self.at_home(command);
        if let Some(trader) = &mut self.trader {
            let _ = trader.process.command(&command);
        }
    }

    /// What is this host's own: paths, core and clock.
    fn at_home(&self, command: Command) -> Command {
        let Some(found) = &self.found else { return command };
        let (core, scale, meeting) = (found.core, found.scale, self.scratch.path().to_owned());
        match command {
            Command::Open(spec) => {
                let link = Link { meeting, ..spec.link };
                let (tape, samples) = (self.tape_path(), self.samples());
                Command::Open(Box::new(TrialSpec { link, core, scale, tape, samples, ..*spec }))
            }
            Command::OpenPingPong(spec) => {
                let link = Link { meeting, ..spec.link };
                Command::OpenPingPong(Box::new(PingPongSpec { link, core, scale, ..*spec }))
            }
            Command::Go | Command::Quit => command,
        }
    }

    /// Passes on what the trader says.
    pub(super) fn pass_on(&mut self, number: u64, event: Event) -> io::Result<()> {
        let Some(trader) = self.trader.as_mut().filter(|trader| trader.number == number) else { return Ok(()) };
        let answer = match event {
            Event::Said(report) => Answer::Said { report: Box::new(report) },
            Event::Broken(e) => Answer::TraderEnded { how: format!("what it said can't be read: {e}") },
            Event::Ended => Answer::TraderEnded { how: trader.process.end_in_words() },
        };
        protocol::send(&mut io::stdout(), &answer)
    }

    /// Sends what the trader has recorded; returns its bytes.
    pub(super) fn send_samples(&self) -> Result<u64, Problem> {
        let unreadable = |e: io::Error| failed(&anyhow::Error::new(e).context("the trader's samples can't be read"));
        let mut file = File::open(self.samples()).map_err(unreadable)?;
        let sent = protocol::send_file(&mut file, |piece| protocol::send_piece(&mut io::stdout(), piece));
        sent.and_then(|sent| sent).map_err(unreadable)
    }

    /// Ends it; what one that was killed has left on the interface is taken off.
    pub(super) fn end_trader(&mut self) -> Result<(), Problem> {
        let Some(Trader { process, before, .. }) = self.trader.take() else { return Ok(()) };
        drop(process);
        match (before, &self.lent) {
            (Some(before), Some(lent)) => lent.restore(before).map_err(of_bench),
            _ => Ok(()),
        }
    }
}
