//! Why a trial gave no samples.

use std::{io, time::Duration};

use tickcert_transports::api::{Role, Unmet};

use crate::remote::Lost;

/// Why a trial gave no samples.
#[derive(Debug, thiserror::Error)]
pub enum TrialError {
    /// An endpoint could not be started.
    #[error("can't start the {0:?} endpoint")]
    Start(Role, #[source] io::Error),
    /// An endpoint reported that it can't go on.
    #[error("the {0:?} endpoint: {1}")]
    Failed(Role, String),
    /// The lane can't run here after all.
    #[error("the {0:?} endpoint {1}")]
    Unmet(Role, Unmet),
    /// An endpoint's process ended.
    #[error("the {0:?} endpoint ended in the middle ({1})")]
    Died(Role, String),
    /// An endpoint did not answer in time.
    #[error("the {0:?} endpoint did not answer within {1:?}")]
    Silent(Role, Duration),
    /// An endpoint said something out of turn.
    #[error("the {0:?} endpoint said something that was not expected: {1}")]
    OutOfTurn(Role, String),
    /// The control channel broke.
    #[error("the control channel to the {0:?} endpoint broke")]
    Channel(Role, #[source] io::Error),
    /// The session with the trader's host is over, and with it what was set up there.
    #[error(transparent)]
    HostLost(#[from] Lost),
    /// The user wants to stop.
    #[error("interrupted")]
    Interrupted,
}
