//! A `VecDeque` behind a ticket lock of our own: threads are served in the order in which they came.

use super::{
    locked::{Lock, Locked},
    ticket_lock::TicketLock,
};

/// See the module.
pub(super) type Ticket = Locked<Own>;

/// Its lock.
pub(super) struct Own;

impl Lock for Own {
    const NAME: &'static str = "ticket-lock";
    const SUMMARY: &'static str = "VecDeque behind a ticket spin lock, many producers";
    type Around<T: Send + 'static> = TicketLock<T>;

    fn around<T: Send + 'static>(value: T) -> Self::Around<T> {
        TicketLock::new(value)
    }

    #[inline]
    fn with<T: Send + 'static, R>(around: &Self::Around<T>, work: impl FnOnce(&mut T) -> R) -> R {
        around.with(work)
    }
}
