//! A `VecDeque` behind parking_lot's mutex.

use parking_lot::Mutex;

use super::locked::{Lock, Locked};

/// See the module.
pub(super) type ParkingLotMutex = Locked<ParkingLot>;

/// Its lock.
pub(super) struct ParkingLot;

impl Lock for ParkingLot {
    const NAME: &'static str = "mutex-parking-lot";
    const SUMMARY: &'static str = "VecDeque behind the Mutex of the crate parking_lot, many producers";
    type Around<T: Send + 'static> = Mutex<T>;

    fn around<T: Send + 'static>(value: T) -> Self::Around<T> {
        Mutex::new(value)
    }

    #[inline]
    fn with<T: Send + 'static, R>(around: &Self::Around<T>, work: impl FnOnce(&mut T) -> R) -> R {
        work(&mut around.lock())
    }
}
