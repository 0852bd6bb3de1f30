//! What the user sees while it runs: a bar on a terminal, plain lines elsewhere, nothing with `--quiet`. All of it on
//! standard error; standard output is for results.

use std::{io::IsTerminal, time::Duration};

use indicatif::{ProgressBar, ProgressStyle};

/// How much to say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Voice {
    /// Nothing but errors.
    Quiet,
    /// Steps and trials.
    #[default]
    Normal,
    /// Details too.
    Verbose,
}

/// Progress through the steps of a run.
pub struct Progress {
    voice: Voice,
    bar: Option<ProgressBar>,
}

#[expect(clippy::print_stderr, reason = "this is the one place that talks to the user during a run")]
impl Progress {
    /// For this voice, on this terminal.
    #[must_use]
    pub fn new(voice: Voice) -> Self {
        Self { voice, bar: None }
    }

    /// A step begins or something is worth saying.
    pub fn say(&self, text: &str) {
        match (&self.bar, self.voice) {
            (_, Voice::Quiet) => {}
            (Some(bar), _) => bar.println(text),
            (None, _) => eprintln!("{text}"),
        }
    }

    /// A detail.
    pub fn detail(&self, text: &str) {
        if self.voice == Voice::Verbose {
            self.say(text);
        }
    }

    /// So many trials are to come.
    pub fn begin(&mut self, trials: usize) {
        if self.voice != Voice::Quiet && std::io::stderr().is_terminal() {
            let bar = ProgressBar::new(trials as u64);
            let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg} (about {eta} left)");
            if let Ok(style) = style {
                bar.set_style(style);
            }
            bar.enable_steady_tick(Duration::from_millis(200));
            self.bar = Some(bar);
        }
    }

    /// A trial begins.
    pub fn trial(&self, text: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(text.to_owned());
        }
    }

    /// A trial is over.
    pub fn done(&self, text: &str) {
        match &self.bar {
            Some(bar) => {
                bar.inc(1);
                self.detail(text);
            }
            None => self.say(text),
        }
    }

    /// No more trials.
    pub fn end(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}
