//! The trader's end on another host.

use std::{io, path::Path, sync::Arc, time::Duration};

use tickcert_results::time::TickScale;
use tickcert_transports::api::Role;

use super::{Event, TrialError};
use crate::{
    endpoint::control::Command,
    remote::{RemoteError, Session},
};

/// Where the trader runs, when that is not this host.
#[derive(Clone, Debug)]
pub struct Far {
    /// The agent there.
    pub session: Arc<Session>,
    /// Whether it runs in the bench's namespace there, or in the host's.
    pub in_namespace: bool,
}

impl Far {
    /// The scale of the trader's clock.
    #[must_use]
    pub fn scale(&self) -> TickScale {
        self.session.scale()
    }
}

/// The trader's process there. Dropping it ends it.
pub(super) struct FarEnd(Arc<Session>);

fn explain(error: RemoteError) -> TrialError {
    match error {
        RemoteError::Interrupted => TrialError::Interrupted,
        RemoteError::Lost(lost) => TrialError::HostLost(lost),
        other => TrialError::Failed(Role::Trader, other.to_string()),
    }
}

impl FarEnd {
    pub(super) fn start(far: &Far, tell: Box<dyn FnMut(Event) -> bool + Send>) -> Result<Self, TrialError> {
        far.session.listen_to_the_trader(tell);
        far.session.start_trader(far.in_namespace).map_err(explain)?;
        Ok(Self(Arc::clone(&far.session)))
    }

    pub(super) fn command(&self, command: &Command) -> io::Result<()> {
        self.0.tell(command).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }

    pub(super) fn hush(&self, at_most: Duration) -> Result<(), TrialError> {
        self.0.hush(at_most).map_err(explain)
    }

    pub(super) fn fetch_samples(&self, to: &Path) -> Result<(), TrialError> {
        self.0.fetch_samples(to).map_err(explain)
    }

    /// Why it says nothing any more.
    pub(super) fn end(&self, role: Role) -> TrialError {
        match self.0.how_the_trader_ended() {
            Ok(how) => TrialError::Died(role, how),
            Err(lost) => TrialError::HostLost(lost),
        }
    }
}

impl Drop for FarEnd {
    fn drop(&mut self) {
        // What it left on the interface is taken off by its agent; a session that is lost shows at the next trial.
        let _ = self.0.end_trader();
    }
}
