//! Whether the other end of memif is there, asked of the kernel: each end holds a lock for as long as its process lives.

use std::{
    fs::{File, TryLockError},
    io,
    path::Path,
};

use crate::api::Role;

/// This end's own lock.
pub(super) struct Presence {
    /// Shared, so that ends never wait for each other.
    _own: File,
    other: File,
}

impl Presence {
    /// Shows that this end is there. The other one's is asked for only after both have done so.
    ///
    /// # Errors
    /// Of the files, which stay in the folder.
    pub(super) fn show(meeting: &Path, role: Role) -> io::Result<Self> {
        let [exchange, trader] = ["memif-exchange.lock", "memif-trader.lock"]
            .map(|name| File::options().create(true).truncate(false).write(true).open(meeting.join(name)));
        let (own, other) = match role {
            Role::Exchange => (exchange?, trader?),
            Role::Trader => (trader?, exchange?),
        };
        own.lock_shared()?;
        Ok(Self { _own: own, other })
    }

    /// Whether the other end was there and is so no more.
    pub(super) fn other_is_gone(&self) -> bool {
        match self.other.try_lock() {
            Ok(()) => {
                let _ = self.other.unlock();
                true
            }
            Err(TryLockError::WouldBlock) => false,
            Err(TryLockError::Error(_)) => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_there_from_showing_itself_until_it_is_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let exchange = Presence::show(dir.path(), Role::Exchange).unwrap();
        assert!(exchange.other_is_gone());
        let trader = Presence::show(dir.path(), Role::Trader).unwrap();
        assert!(!exchange.other_is_gone() && !trader.other_is_gone());
        drop(trader);
        assert!(exchange.other_is_gone());
        let again = Presence::show(dir.path(), Role::Trader).unwrap();
        assert!(!exchange.other_is_gone() && !again.other_is_gone());
    }
}
