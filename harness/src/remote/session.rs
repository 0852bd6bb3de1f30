//! The run's side of the channel to its agent on another host.

mod calls;
mod error;
mod pipe;

use std::{
    fmt,
    io::{BufReader, Read},
    process::{Child, ChildStderr, ChildStdout},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, Receiver, RecvTimeoutError, SyncSender},
    },
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use super::{
    protocol::{self, Answer, Greeting, Problem, Received, Request, Survey},
    ssh::Destination,
};
use crate::run::{endpoints::Event, interrupt};
pub use error::{Lost, RemoteError};
use pipe::Pipe;

/// The agent answers the first word within this.
const GREETING: Duration = Duration::from_secs(60);
/// How often a wait looks whether the user wants to stop.
const LOOK: Duration = Duration::from_millis(100);
/// Pieces of a file that may wait to be written.
const WAITING: usize = 8;
/// What was said may still be on its way when its speaker has ended; it is waited for so long.
const LAST_WORDS_WITHIN: Duration = Duration::from_millis(500);
/// The end of what was said on standard error that is kept, in bytes.
const LAST_WORDS: usize = 4000;
/// Lines that a shell's start-up files may print before the agent is heard.
const CHATTER: usize = 1000;

/// Takes what the trader says, until that is of no use.
pub(crate) type Tell = Box<dyn FnMut(Event) -> bool + Send>;

/// What came from the agent for whoever asked.
enum Inbox {
    Greeting(Greeting),
    Answer(u64, Result<Value, Problem>),
    Piece(Vec<u8>),
}

/// An agent at work. Dropping it ends the session, and the agent gives back what it was lent.
pub struct Session {
    destination: Destination,
    survey: Survey,
    child: Mutex<Child>,
    pipe: Arc<Pipe>,
    inbox: Mutex<Receiver<Inbox>>,
    heard: Arc<Heard>,
}

/// What the threads that listen share with the session.
#[derive(Default)]
struct Heard {
    tell: Mutex<Option<Tell>>,
    said: Mutex<String>,
    /// Nothing more will be said on standard error.
    silent: AtomicBool,
    how_the_trader_ended: Mutex<Option<String>>,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("destination", &self.destination).finish_non_exhaustive()
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Session {
    /// Starts the agent; `survey` is the first that it is asked, again each second while `wait` says so of a busy host.
    ///
    /// # Errors
    /// [`RemoteError`].
    pub fn open(
        destination: &Destination,
        survey: &Request,
        mut wait: impl FnMut(Option<u32>) -> bool,
    ) -> Result<Self, RemoteError> {
        let mut command = destination.command();
        // A group of its own: Ctrl-C is for the run, which ends the session in good order.
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.spawn().map_err(|e| {
            RemoteError::NoAgent(format!("{} can't be started: {e} (is it installed?)", destination.ssh))
        })?;
        let (Some(to), Some(from), Some(stderr)) = (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(RemoteError::NoAgent("ssh has no pipes".to_owned()));
        };
        let (heard, (tell, inbox)) = (Arc::<Heard>::default(), mpsc::sync_channel(WAITING));
        listen(from, stderr, &heard, tell);
        let mut session = Self {
            destination: destination.clone(),
            survey: Survey::unknown(),
            child: Mutex::new(child),
            pipe: Pipe::new(to),
            inbox: Mutex::new(inbox),
            heard,
        };
        session.greet()?;
        session.survey = loop {
            match session.ask(survey, GREETING) {
                Err(RemoteError::Problem { problem: Problem::Busy { holder }, .. }) if wait(holder) => {
                    thread::sleep(Duration::from_secs(1));
                }
                surveyed => break surveyed?,
            }
        };
        Ok(session)
    }

    fn greet(&self) -> Result<(), RemoteError> {
        match self.next(Instant::now() + GREETING, true)? {
            Some(Inbox::Greeting(greeting)) if greeting == Greeting::own() => Ok(()),
            Some(Inbox::Greeting(greeting)) => Err(RemoteError::OtherBuild {
                host: self.destination.host.clone(),
                there: greeting.tickcert_agent,
                here: crate::version::LONG,
                remedy: self.destination.same_build(),
            }),
            Some(_) | None => {
                let Some(status) = self.ended_within(Duration::from_secs(2)) else {
                    return Err(self.lost().into());
                };
                let said = self.last_words();
                Err(RemoteError::NoAgent(self.destination.explain(status, &said)))
            }
        }
    }

    /// The host, as the user names it.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.destination.host
    }

    /// What the agent found at first.
    #[must_use]
    pub const fn survey(&self) -> &Survey {
        &self.survey
    }

    /// Hands over what the trader says from now on.
    pub(crate) fn listen_to_the_trader(&self, tell: Tell) {
        *locked(&self.heard.how_the_trader_ended) = None;
        *locked(&self.heard.tell) = Some(tell);
    }

    /// How the trader's process ended, when it has; else why there is no session any more.
    pub(crate) fn how_the_trader_ended(&self) -> Result<String, Lost> {
        locked(&self.heard.how_the_trader_ended).clone().ok_or_else(|| self.lost())
    }

    /// What comes next; `None` when nothing will any more, or not by then.
    fn next(&self, deadline: Instant, may_stop: bool) -> Result<Option<Inbox>, RemoteError> {
        let inbox = locked(&self.inbox);
        loop {
            if may_stop && interrupt::wanted() {
                return Err(RemoteError::Interrupted);
            }
            match inbox.recv_timeout(LOOK) {
                Ok(came) => return Ok(Some(came)),
                Err(RecvTimeoutError::Timeout) if Instant::now() < deadline => {}
                Err(_) => return Ok(None),
            }
        }
    }

    /// Why nothing is heard any more.
    fn lost(&self) -> Lost {
        let status = self.ended_within(Duration::from_secs(1));
        let said = self.last_words();
        let last = said.lines().rev().map(str::trim).find(|line| !line.is_empty());
        let why = match (status, last) {
            (None, _) => "it does not answer".to_owned(),
            (Some(_), Some(last)) => last.to_owned(),
            (Some(_), None) => "its agent has ended".to_owned(),
        };
        Lost { host: self.destination.host.clone(), why }
    }

    /// What was said on standard error, up to its end; where somebody else keeps it open, up to now.
    fn last_words(&self) -> String {
        let give_up = Instant::now() + LAST_WORDS_WITHIN;
        while !self.heard.silent.load(Ordering::Acquire) && Instant::now() < give_up {
            thread::sleep(Duration::from_millis(1));
        }
        locked(&self.heard.said).clone()
    }

    /// The exit status of ssh, if it ends in time: `Some(None)` for a signal.
    fn ended_within(&self, at_most: Duration) -> Option<Option<i32>> {
        let deadline = Instant::now() + at_most;
        loop {
            match locked(&self.child).try_wait() {
                Ok(Some(status)) => return Some(status.code()),
                _ if Instant::now() >= deadline => return None,
                _ => thread::sleep(Duration::from_millis(5)),
            }
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // The agent gives everything back when its standard input closes.
        self.pipe.close();
        if self.ended_within(Duration::from_secs(10)).is_none() {
            let mut child = locked(&self.child);
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Starts the threads that listen to ssh.
fn listen(from: ChildStdout, stderr: ChildStderr, heard: &Arc<Heard>, inbox: SyncSender<Inbox>) {
    let words = Arc::clone(heard);
    thread::spawn(move || {
        let (mut stderr, mut buffer) = (stderr, [0; 1024]);
        while let Ok(n @ 1..) = stderr.read(&mut buffer) {
            let mut said = locked(&words.said);
            said.push_str(&String::from_utf8_lossy(&buffer[..n]));
            let mut from = said.len().saturating_sub(LAST_WORDS);
            while !said.is_char_boundary(from) {
                from += 1;
            }
            said.drain(..from);
        }
        words.silent.store(true, Ordering::Release);
    });
    let heard = Arc::clone(heard);
    thread::spawn(move || {
        let mut from = BufReader::new(from);
        if let Some(greeting) = greeting(&mut from)
            && inbox.send(Inbox::Greeting(greeting)).is_ok()
        {
            while let Ok(Some(came)) = protocol::receive(&mut from) {
                if !heard.hand_over(came, &inbox) {
                    break;
                }
            }
        }
        heard.trader(Event::Ended);
    });
}

/// The agent's, behind whatever a shell's start-up files may print.
fn greeting(from: &mut BufReader<ChildStdout>) -> Option<Greeting> {
    for _ in 0..CHATTER {
        match crate::endpoint::control::receive(from) {
            Ok(greeting) => return greeting,
            Err(e) if e.kind() == std::io::ErrorKind::InvalidData => {}
            Err(_) => return None,
        }
    }
    None
}

impl Heard {
    fn hand_over(&self, came: Received<Answer>, inbox: &SyncSender<Inbox>) -> bool {
        let came = match came {
            Received::Piece(piece) => Inbox::Piece(piece),
            Received::Message(Answer::Done { to, value }) => Inbox::Answer(to, Ok(value)),
            Received::Message(Answer::Problem { to, problem }) => Inbox::Answer(to, Err(problem)),
            Received::Message(Answer::Said { report }) => {
                self.trader(Event::Said(*report));
                return true;
            }
            Received::Message(Answer::TraderEnded { how }) => {
                *locked(&self.how_the_trader_ended) = Some(how);
                self.trader(Event::Ended);
                return true;
            }
        };
        inbox.send(came).is_ok()
    }

    fn trader(&self, event: Event) {
        let mut tell = locked(&self.tell);
        if !tell.as_mut().is_some_and(|tell| tell(event)) {
            *tell = None;
        }
    }
}
