//! The threshold strategy with the book that it looks at: from what a message says to a change of the book.

use super::{event::Change, followed::Followed, risk::Risk, threshold::Threshold};
use crate::book::{Book, Update};

/// What the threshold strategy needs.
#[derive(Debug)]
pub(super) struct Follower {
    pub(super) book: Book,
    pub(super) followed: Followed,
    pub(super) rule: Threshold,
    pub(super) risk: Risk,
}

impl Follower {
    /// Brings the book up to date, and what is known of the symbols followed.
    #[inline(always)]
    pub(super) fn update(&mut self, change: &Change) -> Option<Update> {
        let Self { book, followed, .. } = self;
        match *change {
            Change::Add { reference, stock, shares, price, locate, side } => {
                followed.learn(locate, stock);
                book.add(locate, reference, side, shares, price)
            }
            Change::Execute { reference, shares } => {
                let update = book.execute(reference, shares)?;
                followed.traded(update.locate, update.price);
                Some(update)
            }
            Change::ExecuteAt { reference, shares, price } => {
                let update = book.execute(reference, shares)?;
                followed.traded(update.locate, price);
                Some(update)
            }
            Change::Cancel { reference, shares } => book.cancel(reference, shares),
            Change::Delete { reference } => book.delete(reference),
            Change::Replace { original, reference, shares, price } => book.replace(original, reference, shares, price),
            Change::Name { locate, stock } => {
                followed.learn(locate, stock);
                None
            }
            Change::Trade { locate, price } => {
                followed.traded(locate, price);
                None
            }
            Change::Packet => None,
        }
    }
}
