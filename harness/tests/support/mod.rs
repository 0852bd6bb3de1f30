//! The real binary, run as a user runs it, with files of its own so that the user's are not touched.
#![allow(dead_code, reason = "each test program uses a part of it")]

pub(crate) mod cpuset;
pub(crate) mod endpoints;
pub(crate) mod pages;
pub(crate) mod profiles;

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, ChildStderr, Command, ExitStatus, Stdio},
    sync::mpsc::{self, Receiver},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tempfile::TempDir;
use tickcert::bench::user_namespace;

/// Longer than anything here may take on a host that stalls: a test that waits this long has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// Whether a run can make its namespaces here; says that the test was skipped where not.
pub(crate) fn can_measure() -> bool {
    let may = user_namespace::present().is_some() || user_namespace::preflight(Path::new("/")).is_ok();
    let cores = thread::available_parallelism().map_or(1, usize::from);
    if !may || cores < 2 {
        println!("SKIPPED: a run needs root or user namespaces, and two cores");
    }
    may && cores >= 2
}

/// Whether a program is installed; says that the test was skipped where not.
pub(crate) fn has(program: &str) -> bool {
    let found = std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(program).is_file()));
    if !found {
        println!("SKIPPED: {program} is not installed");
    }
    found
}

/// A user's home, with a folder to work in.
pub(crate) struct Home {
    dir: TempDir,
}

impl Home {
    pub(crate) fn new() -> Self {
        let home = Self { dir: tempfile::tempdir().unwrap() };
        for folder in ["home", "tmp", "work"] {
            fs::create_dir(home.dir.path().join(folder)).unwrap();
        }
        home
    }

    /// A path in the working folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join("work").join(name)
    }

    /// Where the store and the key are.
    pub(crate) fn data(&self) -> PathBuf {
        self.dir.path().join("home/.local/share/tickcert")
    }

    /// What runs have in their folder for temporary files now.
    pub(crate) fn temporary_files(&self) -> Vec<String> {
        names(&self.dir.path().join("tmp"))
    }

    pub(crate) fn write(&self, name: &str, contents: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, contents).unwrap();
        path
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tickcert"));
        self.dress(&mut command).args(arguments);
        command
    }

    /// Gives any command this home.
    pub(crate) fn dress<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        let home = self.dir.path().join("home");
        command
            .current_dir(self.dir.path().join("work"))
            .env("XDG_DATA_HOME", home.join(".local/share"))
            .env("HOME", home)
            .env("TMPDIR", self.dir.path().join("tmp"))
            .stdin(Stdio::null())
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        Ended::of(&mut self.command(arguments))
    }

    pub(crate) fn start(&self, arguments: &[&str]) -> Running {
        Running::start(&mut self.command(arguments))
    }
}

pub(crate) fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap();
    let mut names: Vec<String> = entries.map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// A command that has ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// Its exit status; none when a signal ended it.
    pub(crate) status: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ended {
    pub(crate) fn of(command: &mut Command) -> Self {
        let output = command.output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { status: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
    }

    /// That it ended with `status`.
    #[track_caller]
    pub(crate) fn expect(self, status: i32) -> Self {
        assert_eq!(self.status, Some(status), "standard output:\n{}\nstandard error:\n{}", self.out, self.err);
        self
    }

    /// That it ended with `status` and an error that holds all of `parts`, and no panic.
    #[track_caller]
    pub(crate) fn refused(self, status: i32, parts: &[&str]) -> Self {
        let ended = self.expect(status);
        assert!(ended.err.contains("error: "), "no error was said:\n{}", ended.err);
        assert!(!ended.err.contains("panicked"), "{}", ended.err);
        for part in parts {
            assert!(ended.err.contains(part), "`{part}` is missing in:\n{}", ended.err);
        }
        ended
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}:\n{}", self.out))
    }
}

/// A command that runs.
pub(crate) struct Running {
    pub(crate) child: Child,
    lines: Receiver<String>,
    said: String,
    out: Option<JoinHandle<String>>,
}

impl Running {
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut out = child.stdout.take().unwrap();
        let out = thread::spawn(move || {
            let mut text = String::new();
            let _ = out.read_to_string(&mut text);
            text
        });
        let lines = lines_of(child.stderr.take().unwrap());
        Self { child, lines, said: String::new(), out: Some(out) }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for a line on standard error that holds `text`.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, text: &str) -> String {
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => {
                    self.said += &line;
                    self.said.push('\n');
                    if line.contains(text) {
                        return line;
                    }
                }
                Err(_) => panic!("`{text}` was never said, but:\n{}", self.said),
            }
        }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(pid(self.id()), signal).unwrap();
    }

    /// Waits for its end, and for all that it said.
    pub(crate) fn end(mut self) -> Ended {
        let status: ExitStatus = self.child.wait().unwrap();
        while let Ok(line) = self.lines.recv_timeout(PATIENCE) {
            self.said += &line;
            self.said.push('\n');
        }
        let out = self.out.take().unwrap().join().unwrap();
        Ended { status: status.code(), out, err: std::mem::take(&mut self.said) }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // A test that failed leaves no process behind.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines_of(stderr: ChildStderr) -> Receiver<String> {
    let (sender, lines) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    lines
}

pub(crate) fn pid(id: u32) -> Pid {
    Pid::from_raw(i32::try_from(id).unwrap())
}

/// Waits for something that no file descriptor tells of.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "{what}: never, in {PATIENCE:?}");
        thread::sleep(Duration::from_millis(5));
    }
}
