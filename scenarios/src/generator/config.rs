//! What to generate, and which configurations make no tape.

use serde::{Deserialize, Serialize};
use tickcert_results::time::{Nanos, PerSecond};

use super::mix::Mix;

/// How the rate runs over the tape.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Envelope {
    /// Like the 27.93 s after the open of 2019-01-30 (all of TotalView), whatever the tape's length: 7.1, 3.3 and 1.8
    /// times the mean rate in its first three twenty-eighths, then 0.63 times.
    #[default]
    Open,
    /// The same throughout.
    Flat,
}

impl Envelope {
    /// Parts of the time, with their parts of the packets.
    pub(super) const fn segments(self) -> &'static [(f64, f64)] {
        match self {
            // 485,857, 227,286 and 120,588 of 1,901,866 messages in the first three of 27.93 seconds.
            Self::Open => &[(0.0358, 0.255_5), (0.0358, 0.119_5), (0.0358, 0.063_4), (0.8926, 0.561_6)],
            Self::Flat => &[(1.0, 1.0)],
        }
    }
}

/// What to generate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GeneratorConfig {
    /// Seed; the same gives the same tape.
    pub seed: u64,
    /// Symbols, at least one. Activity falls with the square root of the rank.
    pub symbols: u16,
    /// Messages after the spin.
    pub messages: u32,
    /// Mean rate of these messages over the tape, before [`Self::stretch`].
    pub mean_rate: PerSecond,
    /// Frequencies of the message types after the spin.
    pub mix: Mix,
    /// Course of the rate.
    pub envelope: Envelope,
    /// Every time is multiplied by this: above 1 the same tape, bursts and all, runs slower.
    pub stretch: f64,
    /// Live orders of all books together; beyond it adds become deletes, and a note says how many.
    pub max_live_orders: u32,
}

impl Default for GeneratorConfig {
    /// The open: 200,000 messages on 1,000 symbols at 68,782 a second, 2.9 s; at most as many live orders as the feed
    /// was reported to have in 2019 (1.92 million).
    fn default() -> Self {
        Self {
            seed: 1,
            symbols: 1_000,
            messages: 200_000,
            mean_rate: PerSecond(68_782.0),
            mix: Mix::OPENING,
            envelope: Envelope::Open,
            stretch: 1.0,
            max_live_orders: 2_000_000,
        }
    }
}

/// A configuration that makes no tape.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum GeneratorError {
    /// No symbols.
    #[error("a feed needs at least one symbol: set `symbols`")]
    NoSymbols,
    /// No messages.
    #[error("a feed needs at least one message: set `messages`")]
    NoMessages,
    /// A rate that is no rate.
    #[error("the mean rate must lie between 0.001 and 1e9 messages a second, not {0}: set `mean_rate`")]
    Rate(f64),
    /// A stretch that is none.
    #[error("the stretch must lie between 0.0001 and 10,000, not {0}: set `stretch`")]
    Stretch(f64),
    /// More than seven days.
    #[error(
        "the tape would last {seconds:.0} s, more than a week: fewer `messages`, a higher `mean_rate` or less `stretch`"
    )]
    TooLong {
        /// Its duration.
        seconds: f64,
    },
    /// The mix makes nothing.
    #[error("the mix is all zeros, or its parts exceed 1,000,000: give each message type its share")]
    Mix,
    /// Orders would be taken out that nobody put in.
    #[error("the mix deletes and executes orders but adds none: give `add` or `add_mpid` a share")]
    NoAdds,
    /// No room for an order.
    #[error("a book needs room for at least one order: set `max_live_orders`")]
    NoRoom,
}

impl GeneratorConfig {
    /// The duration that it makes, before it is stretched.
    pub(super) fn check(&self) -> Result<Nanos, GeneratorError> {
        if self.symbols == 0 {
            return Err(GeneratorError::NoSymbols);
        }
        if self.messages == 0 {
            return Err(GeneratorError::NoMessages);
        }
        if self.max_live_orders == 0 {
            return Err(GeneratorError::NoRoom);
        }
        let PerSecond(rate) = self.mean_rate;
        if !(0.001..=1e9).contains(&rate) {
            return Err(GeneratorError::Rate(rate));
        }
        if !(1e-4..=1e4).contains(&self.stretch) {
            return Err(GeneratorError::Stretch(self.stretch));
        }
        let parts = self.mix.parts();
        if parts.iter().all(|&(_, weight)| weight == 0) || parts.iter().any(|&(_, weight)| weight > 1_000_000) {
            return Err(GeneratorError::Mix);
        }
        let takes = parts.iter().any(|&(kind, weight)| kind.needs_order() && weight > 0);
        if takes && self.mix.add == 0 && self.mix.add_mpid == 0 {
            return Err(GeneratorError::NoAdds);
        }
        let seconds = f64::from(self.messages) / rate;
        if seconds * self.stretch.max(1.0) > 604_800.0 {
            return Err(GeneratorError::TooLong { seconds: seconds * self.stretch });
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive, at most a week")]
        let duration = Nanos((seconds * 1e9) as u64);
        Ok(duration)
    }

    /// In words, for the certificate.
    pub(super) fn words(&self) -> String {
        let mix = match self.mix {
            Mix::OPENING => "opening mix".into(),
            Mix::DAY_2019 => "mix of a day of 2019".into(),
            Mix::DAY_2025 => "mix of a day of 2025".into(),
            mix => format!("{mix:?}"),
        };
        let envelope = match self.envelope {
            Envelope::Open => "like the open",
            Envelope::Flat => "flat",
        };
        format!(
            "generator: seed {}, {} symbols, {} messages at {} a second, {envelope}, {mix}, stretched {} times",
            self.seed, self.symbols, self.messages, self.mean_rate.0, self.stretch
        )
    }
}
