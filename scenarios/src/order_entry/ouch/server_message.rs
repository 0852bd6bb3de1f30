//! Which message from the exchange it is.

use super::{
    AccountQueryResponse, AiqCanceled, BrokenTrade, CancelPending, CancelReject, OrderAccepted, OrderCanceled,
    OrderExecuted, OrderModified, OrderPriorityUpdate, OrderReplaced, OrderRestated, OuchError, Rejected, SystemEvent,
    TagValues, exactly, with_appendage,
};

/// Any message from the exchange, in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerMessage<'a> {
    /// `S`.
    SystemEvent(&'a SystemEvent),
    /// `A`.
    OrderAccepted(&'a OrderAccepted, TagValues<'a>),
    /// `U`.
    OrderReplaced(&'a OrderReplaced, TagValues<'a>),
    /// `C`.
    OrderCanceled(&'a OrderCanceled),
    /// `D`.
    AiqCanceled(&'a AiqCanceled),
    /// `E`.
    OrderExecuted(&'a OrderExecuted, TagValues<'a>),
    /// `B`.
    BrokenTrade(&'a BrokenTrade),
    /// `J`.
    Rejected(&'a Rejected),
    /// `P`.
    CancelPending(&'a CancelPending),
    /// `I`.
    CancelReject(&'a CancelReject),
    /// `T`.
    OrderPriorityUpdate(&'a OrderPriorityUpdate),
    /// `M`.
    OrderModified(&'a OrderModified),
    /// `R`.
    OrderRestated(&'a OrderRestated, TagValues<'a>),
    /// `Q`.
    AccountQueryResponse(&'a AccountQueryResponse),
}

impl<'a> ServerMessage<'a> {
    /// Reads one message that fills `bytes`. Tag values are checked as they are iterated over.
    ///
    /// # Errors
    /// [`OuchError`] for an unknown type or a length that is not the type's.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, OuchError> {
        match bytes.first() {
            None => Err(OuchError::Empty),
            Some(b'S') => exactly(bytes).map(Self::SystemEvent),
            Some(b'A') => with_appendage(bytes).map(|(m, tags)| Self::OrderAccepted(m, tags)),
            Some(b'U') => with_appendage(bytes).map(|(m, tags)| Self::OrderReplaced(m, tags)),
            Some(b'C') => exactly(bytes).map(Self::OrderCanceled),
            Some(b'D') => exactly(bytes).map(Self::AiqCanceled),
            Some(b'E') => with_appendage(bytes).map(|(m, tags)| Self::OrderExecuted(m, tags)),
            Some(b'B') => exactly(bytes).map(Self::BrokenTrade),
            Some(b'J') => exactly(bytes).map(Self::Rejected),
            Some(b'P') => exactly(bytes).map(Self::CancelPending),
            Some(b'I') => exactly(bytes).map(Self::CancelReject),
            Some(b'T') => exactly(bytes).map(Self::OrderPriorityUpdate),
            Some(b'M') => exactly(bytes).map(Self::OrderModified),
            Some(b'R') => with_appendage(bytes).map(|(m, tags)| Self::OrderRestated(m, tags)),
            Some(b'Q') => exactly(bytes).map(Self::AccountQueryResponse),
            Some(&byte) => Err(OuchError::UnknownType { byte, direction: "exchange to client" }),
        }
    }
}
