//! How a command ends: a status that scripts can rely on, and an error that says what to do.

use std::process::ExitCode;

use tickcert_results::verdict::Verdict;

/// The exit status of a command that did its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome(pub u8);

impl Outcome {
    /// All is well.
    pub const OK: Self = Self(0);
}

impl From<Verdict> for Outcome {
    fn from(verdict: Verdict) -> Self {
        Self(verdict.exit_status())
    }
}

/// A command that could not do its work.
#[derive(Debug)]
pub struct Failure {
    status: u8,
    error: anyhow::Error,
}

impl Failure {
    /// Wrong use or configuration: status 2.
    pub fn usage(error: impl Into<anyhow::Error>) -> Self {
        Self { status: 2, error: error.into() }
    }

    /// It ran, and the answer is no: status 1.
    pub fn negative(error: impl Into<anyhow::Error>) -> Self {
        Self { status: 1, error: error.into() }
    }

    /// The host lacks something, or something broke: status 4.
    pub fn cannot_run(error: impl Into<anyhow::Error>) -> Self {
        Self { status: 4, error: error.into() }
    }

    /// It did its work but for its end: the status of what came of it.
    pub fn after(outcome: impl Into<Outcome>, error: impl Into<anyhow::Error>) -> Self {
        Self { status: outcome.into().0, error: error.into() }
    }

    /// Says what went wrong, cause by cause, on standard error.
    #[expect(clippy::print_stderr, reason = "the last word of a failed command")]
    pub(super) fn report(&self) -> ExitCode {
        eprintln!("error: {}", self.error);
        let mut said = self.error.to_string();
        for cause in self.error.chain().skip(1) {
            let cause = cause.to_string();
            // Some errors show their source in their own text; once is enough.
            if !said.contains(&cause) {
                eprintln!("  because: {cause}");
            }
            said = cause;
        }
        ExitCode::from(self.status)
    }
}
