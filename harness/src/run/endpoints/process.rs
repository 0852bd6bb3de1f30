//! An endpoint's process on this host: started, commanded, ended.

use std::{
    fs::File,
    io::{self, BufReader, Read, Seek, SeekFrom},
    os::unix::process::{CommandExt, ExitStatusExt},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use tickcert_transports::api::Role;

use crate::{
    endpoint::control::{self, Command, Report},
    run::interrupt,
};

/// The end of a dead endpoint's standard error that is looked at, in bytes.
const LAST_WORDS: u64 = 500;

/// What came from an endpoint.
pub(crate) enum Event {
    /// It said something.
    Said(Report),
    /// What it said can't be read.
    Broken(io::Error),
    /// It says nothing any more.
    Ended,
}

/// The process. Dropping it ends it.
pub(crate) struct Process {
    child: Child,
    commands: ChildStdin,
    /// What it prints on standard error, from this position on.
    log: (PathBuf, u64),
}

fn describe(status: ExitStatus) -> String {
    match (status.signal(), status.code()) {
        (Some(signal), _) => format!("killed by signal {signal}"),
        (None, Some(code)) => format!("exit status {code}"),
        (None, None) => "for an unknown reason".to_owned(),
    }
}

impl Process {
    /// Starts one in a network namespace; it waits for commands. What it says goes to `tell`, until that is of no use.
    pub(crate) fn start(
        role: Role,
        netns: Option<&Path>,
        logs: &Path,
        program: Option<&Path>,
        mut tell: impl FnMut(Event) -> bool + Send + 'static,
    ) -> io::Result<Self> {
        let program = program.map_or_else(std::env::current_exe, |program| Ok(program.to_owned()))?;
        let mut command = std::process::Command::new(program);
        command.arg("endpoint").arg("--parent").arg(std::process::id().to_string());
        if let Some(netns) = netns {
            command.arg("--netns").arg(netns);
        }
        let log = logs.join(format!("{}.log", if role == Role::Exchange { "exchange" } else { "trader" }));
        let file = File::options().create(true).append(true).open(&log)?;
        let log = (log, file.metadata()?.len());
        // A group of its own: Ctrl-C is for the parent, which ends its endpoints in good order.
        command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(file);
        let mut child = command.spawn()?;
        let (Some(commands), Some(reports)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::Error::other("the endpoint has no pipes"));
        };
        std::thread::spawn(move || {
            let mut reports = BufReader::new(reports);
            loop {
                let event = match control::receive(&mut reports) {
                    Ok(Some(report)) => Event::Said(report),
                    Ok(None) => Event::Ended,
                    Err(e) => Event::Broken(e),
                };
                let last = !matches!(event, Event::Said(_));
                if !tell(event) || last {
                    return;
                }
            }
        });
        Ok(Self { child, commands, log })
    }

    /// Its number, which is also that of its first thread.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Tells it what to do.
    pub(crate) fn command(&mut self, command: &Command) -> io::Result<()> {
        control::send(&mut self.commands, command)
    }

    /// How it ended, when it has.
    pub(crate) fn end_in_words(&mut self) -> String {
        let how = self.child.wait().map_or_else(|e| e.to_string(), describe);
        let said = self.last_words().map(|words| format!("; the last it said: {words}"));
        how + &said.unwrap_or_default()
    }

    /// The last line of its standard error: a library that ends its process (DPDK does) says there why.
    fn last_words(&self) -> Option<String> {
        let (path, from) = &self.log;
        let mut file = File::open(path).ok()?;
        let end = file.metadata().ok()?.len();
        file.seek(SeekFrom::Start(end.saturating_sub(LAST_WORDS).max(*from))).ok()?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).ok()?;
        let text = String::from_utf8_lossy(&bytes);
        text.lines().rev().map(str::trim).find(|line| !line.is_empty()).map(str::to_owned)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself; either way nothing of it stays.
        let _ = control::send(&mut self.commands, &Command::Quit);
        let deadline = Instant::now() + Duration::from_millis(500);
        while Instant::now() < deadline && !interrupt::wanted() {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
