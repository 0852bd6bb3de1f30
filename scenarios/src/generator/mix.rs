//! How often each message type occurs, and how large orders are.

use serde::{Deserialize, Serialize};

use super::dice::{Dice, Weighted};

/// Relative frequencies of the message types after the spin; any total.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mix {
    /// `A` Add Order.
    pub add: u32,
    /// `F` Add Order with MPID.
    pub add_mpid: u32,
    /// `E` Order Executed.
    pub executed: u32,
    /// `C` Order Executed With Price.
    pub executed_with_price: u32,
    /// `X` Order Cancel.
    pub cancel: u32,
    /// `D` Order Delete.
    pub delete: u32,
    /// `U` Order Replace.
    pub replace: u32,
    /// `P` Trade.
    pub trade: u32,
    /// `I` Net Order Imbalance Indicator.
    pub imbalance: u32,
    /// `L` Market Participant Position.
    pub position: u32,
}

impl Mix {
    /// The open, in 1/10,000: measured over the 10,000 book messages of AAPL from 09:30:00 to 09:30:28 on 2019-01-30.
    pub const OPENING: Self = Self {
        add: 7_470,
        add_mpid: 110,
        executed: 730,
        executed_with_price: 20,
        cancel: 6,
        delete: 1_240,
        replace: 440,
        trade: 0,
        imbalance: 0,
        position: 0,
    };

    /// The whole day of 2019-12-30, all symbols, in 1/10,000: published counts of 268,744,780 messages.
    pub const DAY_2019: Self = Self {
        add: 4_359,
        add_mpid: 55,
        executed: 213,
        executed_with_price: 4,
        cancel: 104,
        delete: 4_255,
        replace: 805,
        trade: 45,
        imbalance: 150,
        position: 8,
    };

    /// A day of 2025, in 1/10,000: replaces are 23.6 % of the published counts of 2025-12-08; the split of adds and
    /// deletes is estimated, the rest is that of 2019.
    pub const DAY_2025: Self = Self { add: 3_600, delete: 3_300, replace: 2_360, ..Self::DAY_2019 };

    /// The weights with their kinds.
    pub(super) const fn parts(&self) -> [(Kind, u32); 10] {
        [
            (Kind::Add, self.add),
            (Kind::AddMpid, self.add_mpid),
            (Kind::Executed, self.executed),
            (Kind::ExecutedWithPrice, self.executed_with_price),
            (Kind::Cancel, self.cancel),
            (Kind::Delete, self.delete),
            (Kind::Replace, self.replace),
            (Kind::Trade, self.trade),
            (Kind::Imbalance, self.imbalance),
            (Kind::Position, self.position),
        ]
    }

    pub(super) fn weighted(&self) -> Weighted {
        Weighted::new(self.parts().map(|(_, weight)| f64::from(weight) / 1_024.0))
    }
}

/// What the next message is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Add,
    AddMpid,
    Executed,
    ExecutedWithPrice,
    Cancel,
    Delete,
    Replace,
    Trade,
    Imbalance,
    Position,
}

impl Kind {
    /// It acts on an order that must exist.
    pub(super) const fn needs_order(self) -> bool {
        matches!(self, Self::Executed | Self::ExecutedWithPrice | Self::Cancel | Self::Delete | Self::Replace)
    }
}

/// Sizes of added orders: the quantiles (median 60, 90 % 300, 99 % 1,235 shares) and the favourites (100, 10, 50, 20,
/// 200, 1) of the same AAPL messages as [`Mix::OPENING`].
const SIZES: [(u32, u32, u32); 12] = [
    // weight in 1/1000, from, to (inclusive)
    (220, 100, 100),
    (90, 10, 10),
    (80, 50, 50),
    (60, 20, 20),
    (50, 200, 200),
    (50, 1, 1),
    (222, 2, 60),
    (130, 61, 299),
    (20, 300, 300),
    (68, 301, 1_199),
    (12, 1_000, 1_000),
    (8, 1_300, 5_000),
];

/// Draws sizes.
#[derive(Clone, Debug)]
pub(super) struct Sizes(Weighted);

impl Sizes {
    pub(super) fn new() -> Self {
        Self(Weighted::new(SIZES.map(|(weight, _, _)| weight.into())))
    }

    pub(super) fn draw(&self, dice: &mut Dice) -> u32 {
        let (_, from, to) = SIZES.get(self.0.draw(dice)).copied().unwrap_or((0, 100, 100));
        from + dice.below_u32(to - from + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_sizes_have_the_measured_quantiles() {
        let (sizes, mut dice) = (Sizes::new(), Dice::new(3, 0));
        let mut drawn: Vec<u32> = (0..100_000).map(|_| sizes.draw(&mut dice)).collect();
        drawn.sort_unstable();
        for (per_mille, measured) in [(500, 60), (900, 300), (990, 1_235)] {
            let got = drawn[per_mille * drawn.len() / 1_000];
            assert!(got.abs_diff(measured) * 100 <= measured * 15, "{per_mille} per mille: {got} against {measured}");
        }
    }
}
