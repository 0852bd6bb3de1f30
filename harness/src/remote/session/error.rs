//! Why the other host can't be used, or no longer.

use crate::remote::protocol::Problem;

/// Why the other host can't be used, or no longer.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// No agent answered.
    #[error("{0}")]
    NoAgent(String),
    /// It is of another build.
    #[error("{host} has tickcert {there}, and this is {here}: {remedy}")]
    OtherBuild {
        /// The host.
        host: String,
        /// Its build.
        there: String,
        /// This build.
        here: &'static str,
        /// What to do.
        remedy: String,
    },
    /// It can't do what it was asked for.
    #[error("{host}: {}", in_words(.problem))]
    Problem {
        /// The host.
        host: String,
        /// Why.
        problem: Problem,
    },
    /// The session is over.
    #[error(transparent)]
    Lost(#[from] Lost),
    /// The user wants to stop.
    #[error("interrupted")]
    Interrupted,
}

/// The session is over, and with it all that it held on the other host.
#[derive(Clone, Debug, thiserror::Error)]
#[error(
    "the session with {host} is over: {why}; if its agent was killed, `tickcert clean` there gives its interface back"
)]
pub struct Lost {
    pub(super) host: String,
    pub(super) why: String,
}

fn in_words(problem: &Problem) -> String {
    match problem {
        Problem::Lacks { unmet } => unmet.to_string(),
        Problem::Refused { what } | Problem::NoInterface { what } | Problem::Failed { what } => what.clone(),
        Problem::Busy { holder } => {
            let who = holder.map(|pid| format!(" (process {pid})")).unwrap_or_default();
            format!("another run is measuring there{who}; wait for it, or leave --no-wait away")
        }
    }
}
