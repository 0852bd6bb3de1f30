//! What the exchange answers to a message: it accepts every order that is well formed, and rests none.

use tickcert_results::time::Nanos;
use zerocopy::IntoBytes;

use super::store::MAX_MESSAGE;
use crate::order_entry::ouch::{
    AccountQueryResponse, CancelReject, ClientMessage, EnterOrder, MAX_PRICE, MAX_QUANTITY, OrderAccepted, Rejected,
    TagValues, reject,
};

/// Longest appendage that an acceptance echoes.
const MAX_APPENDAGE: usize = MAX_MESSAGE - size_of::<OrderAccepted>();

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Answered with Order Accepted of so many bytes.
    Accepted(usize),
    /// Answered with Rejected of so many bytes.
    Rejected(usize),
    /// Answered with something else of so many bytes.
    Other(usize),
    /// Its UserRefNum is not above the last one: no answer, as OUCH says.
    Stale,
}

/// Where the exchange stands when it answers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standing {
    /// Since midnight.
    pub(super) time: Nanos,
    /// Highest UserRefNum so far.
    pub(super) last_user_ref_num: u32,
    /// For the next order accepted.
    pub(super) order_reference_number: u64,
}

/// Answers `message` into `out`, and counts its UserRefNum in `standing` where it is a new one.
pub(super) fn answer(message: &[u8], standing: &mut Standing, out: &mut [u8; MAX_MESSAGE]) -> Outcome {
    let timestamp = standing.time.get().into();
    match ClientMessage::parse(message) {
        Ok(ClientMessage::EnterOrder(order, tags)) => {
            if !is_new(order.user_ref_num.get(), standing) {
                return Outcome::Stale;
            }
            match objection(order, tags) {
                None => Outcome::Accepted(accept(order, tags, standing, out)),
                Some(reason) => refuse(order.user_ref_num.get(), reason, order.cl_ord_id, standing, out),
            }
        }
        Ok(ClientMessage::ReplaceOrder(order, _)) => {
            if !is_new(order.user_ref_num.get(), standing) {
                return Outcome::Stale;
            }
            refuse(order.user_ref_num.get(), reject::REPLACE_NOT_ALLOWED, order.cl_ord_id, standing, out)
        }
        // Every order is taken as done with at once, so that there is nothing to cancel or to modify.
        Ok(ClientMessage::CancelOrder(cancel)) => {
            let message = CancelReject { kind: b'I', timestamp, user_ref_num: cancel.user_ref_num };
            Outcome::Other(put(out, &[message.as_bytes()]))
        }
        Ok(ClientMessage::ModifyOrder(modify)) => {
            let message = CancelReject { kind: b'I', timestamp, user_ref_num: modify.user_ref_num };
            Outcome::Other(put(out, &[message.as_bytes()]))
        }
        Ok(ClientMessage::AccountQuery(_)) => {
            let next_user_ref_num = standing.last_user_ref_num.saturating_add(1).into();
            let message = AccountQueryResponse { kind: b'Q', timestamp, next_user_ref_num };
            Outcome::Other(put(out, &[message.as_bytes()]))
        }
        Err(_) => {
            let number = user_ref_num(message);
            if number != 0 && !is_new(number, standing) {
                return Outcome::Stale;
            }
            refuse(number, reject::OTHER, [b' '; 14], standing, out)
        }
    }
}

/// Counts a UserRefNum; false for one that is not above the last.
const fn is_new(number: u32, standing: &mut Standing) -> bool {
    let new = number > standing.last_user_ref_num;
    if new {
        standing.last_user_ref_num = number;
    }
    new
}

/// The UserRefNum of a message that cannot be read otherwise: where most types have it; 0 where it is too short.
fn user_ref_num(message: &[u8]) -> u32 {
    message.get(1..5).and_then(<[u8]>::first_chunk).map_or(0, |&bytes| u32::from_be_bytes(bytes))
}

/// Why an order cannot be accepted.
fn objection(order: &EnterOrder, mut tags: TagValues<'_>) -> Option<u16> {
    let appendage = tags.bytes().len();
    let symbol = &order.symbol;
    if !b"BSTE".contains(&order.side) {
        Some(reject::INVALID_SIDE)
    } else if !(1..=MAX_QUANTITY).contains(&order.quantity.get()) {
        Some(reject::INVALID_QUANTITY)
    } else if symbol.trim_ascii().is_empty() || !symbol.iter().all(|b| (b' '..=b'~').contains(b)) {
        Some(reject::INVALID_SYMBOL)
    } else if !(1..=MAX_PRICE).contains(&order.price.get()) {
        Some(reject::INVALID_PRICE)
    } else if !b"YNA".contains(&order.display) {
        Some(reject::INVALID_DISPLAY)
    } else if !b"NOCHSREA".contains(&order.cross_type) {
        Some(reject::INVALID_CROSS_ORDER)
    } else if appendage > MAX_APPENDAGE || tags.any(|tag| tag.is_err()) {
        Some(reject::OTHER)
    } else {
        None
    }
}

/// Writes the acceptance, with the tag values as they came.
fn accept(order: &EnterOrder, tags: TagValues<'_>, standing: &Standing, out: &mut [u8; MAX_MESSAGE]) -> usize {
    let accepted = OrderAccepted {
        kind: b'A',
        timestamp: standing.time.get().into(),
        user_ref_num: order.user_ref_num,
        side: order.side,
        quantity: order.quantity,
        symbol: order.symbol,
        price: order.price,
        time_in_force: order.time_in_force,
        display: order.display,
        order_reference_number: standing.order_reference_number.into(),
        capacity: order.capacity,
        intermarket_sweep: order.intermarket_sweep,
        cross_type: order.cross_type,
        order_state: b'L',
        cl_ord_id: order.cl_ord_id,
        appendage_length: order.appendage_length,
    };
    put(out, &[accepted.as_bytes(), tags.bytes()])
}

fn refuse(number: u32, reason: u16, cl_ord_id: [u8; 14], at: &Standing, out: &mut [u8; MAX_MESSAGE]) -> Outcome {
    let rejected = Rejected {
        kind: b'J',
        timestamp: at.time.get().into(),
        user_ref_num: number.into(),
        reason: reason.into(),
        cl_ord_id,
    };
    Outcome::Rejected(put(out, &[rejected.as_bytes()]))
}

/// Writes the parts one after the other and returns their length; callers have seen to it that they fit.
fn put(out: &mut [u8; MAX_MESSAGE], parts: &[&[u8]]) -> usize {
    let mut length = 0;
    for part in parts {
        if let Some(room) = out.get_mut(length..length + part.len()) {
            room.copy_from_slice(part);
            length += part.len();
        }
    }
    length
}
