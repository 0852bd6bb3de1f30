//! How an interface is to be while it is lent to a bench, and how it is.

use serde::{Deserialize, Serialize};
use tickcert_results::certificate::QueueSteered;
use tickcert_scenarios::profile::Deferral;
use tickcert_transports::api::Unmet;

use super::{deferral, error::BenchError, journal::Journal, netns::Namespace, steering};

/// How both interfaces are to be; what is `None` is left as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tuning {
    /// How they are to put off their interrupts.
    pub deferral: Option<Deferral>,
    /// The queue, counted from 0, that all is to go to that they receive.
    pub queue: Option<u32>,
}

/// How one of them is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tuned {
    /// Its name.
    pub interface: String,
    /// How it puts off its interrupts; `None` where the kernel doesn't say.
    pub deferral: Option<Deferral>,
    /// The queue that all goes to, where one was asked for.
    pub queue: Option<Result<QueueSteered, Unmet>>,
}

impl Tuned {
    /// Tunes a real interface, while it is in the calling thread's namespace; what is set goes into the journal first, so that it is
    /// set back after the interface has come back.
    pub(super) fn of_host(journal: &mut Journal, interface: &str, wanted: Tuning) -> Result<Self, BenchError> {
        let deferral = deferral::of_host(journal, interface, wanted.deferral)?;
        let queue = wanted.queue.map(|queue| steering::of_host(journal, interface, queue)).transpose()?;
        Ok(Self { interface: interface.to_owned(), deferral, queue })
    }

    /// The same of one end of a virtual wire, in a namespace of the bench's own, with which it goes.
    pub(super) fn of_namespace(namespace: &Namespace, interface: &str, wanted: Tuning) -> Result<Self, BenchError> {
        let deferral = deferral::of_namespace(namespace, interface, wanted.deferral)?;
        let queue = wanted.queue.map(|_| Err(steering::of_virtual_wire()));
        Ok(Self { interface: interface.to_owned(), deferral, queue })
    }
}
