//! Where the time goes: the stages from a tick to its order.

/// What is over when it is stamped. In this order; a lane and a hand-off stamp their own, and where one thread does all there is
/// no hand-off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Stage {
    /// The lane has handed the tick over.
    Rx,
    /// The message is read.
    Decode,
    /// The tick has crossed the queue to the deciding thread.
    HandOff,
    /// The book holds it.
    Book,
    /// The strategy wants an order.
    Decide,
    /// The order is within its limits.
    Risk,
    /// The order has crossed the queue to the sending thread.
    HandOver,
    /// The order's packet is written.
    Encode,
    /// The lane has taken the order.
    Tx,
}

impl Stage {
    /// All, in order.
    pub const ALL: [Self; 9] = [
        Self::Rx,
        Self::Decode,
        Self::HandOff,
        Self::Book,
        Self::Decide,
        Self::Risk,
        Self::HandOver,
        Self::Encode,
        Self::Tx,
    ];

    /// Whether it is there only where several threads share the work.
    #[must_use]
    pub const fn is_of_threads(self) -> bool {
        matches!(self, Self::HandOff | Self::HandOver)
    }

    /// As in the certificate.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rx => "rx",
            Self::Decode => "decode",
            Self::HandOff => "hand-off",
            Self::Book => "book",
            Self::Decide => "decide",
            Self::Risk => "risk",
            Self::HandOver => "hand-over",
            Self::Encode => "encode",
            Self::Tx => "tx",
        }
    }
}

/// Takes the stamps.
///
/// `Decode` and `Book` are stamped for every message, the others only on the way to an order: a probe overwrites its
/// stamps until an order is sent, and keeps them then.
pub trait StageProbe {
    /// `stage` is over now.
    fn stamp(&mut self, stage: Stage);
}

/// No stamps, and no code for them.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoProbe;

impl StageProbe for NoProbe {
    #[inline(always)]
    fn stamp(&mut self, _stage: Stage) {}
}
