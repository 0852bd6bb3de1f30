//! Random draws that give the same values on every host: integers, and no function of the mathematics library.

use rand::{Rng, SeedableRng};
use rand_pcg::Pcg64;

/// A seeded source. Each concern has one of its own, so that a change to one leaves the others' draws as they are.
#[derive(Clone, Debug)]
pub(super) struct Dice(Pcg64);

impl Dice {
    pub(super) fn new(seed: u64, concern: u64) -> Self {
        // Concerns are few and small; the multiplier spreads them over the seeds.
        Self(Pcg64::seed_from_u64(seed ^ concern.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
    }

    pub(super) fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Uniform in `0..n`; 0 for an `n` of 0. (The bias of the multiplication is below n / 2^64.)
    pub(super) fn below(&mut self, n: u64) -> u64 {
        let wide = u128::from(self.bits()) * u128::from(n);
        (wide >> 64) as u64
    }

    /// [`Self::below`] for 32 bits.
    pub(super) fn below_u32(&mut self, n: u32) -> u32 {
        #[expect(clippy::cast_possible_truncation, reason = "less than n")]
        let drawn = self.below(n.into()) as u32;
        drawn
    }

    /// True `times` in `of`.
    pub(super) fn chance(&mut self, times: u32, of: u32) -> bool {
        self.below_u32(of) < times
    }

    /// Exponential of mean 1 in units of 2^-32, by von Neumann's comparison method (1951): the first of a descending
    /// run of uniforms is accepted when the run's length is odd; each rejection adds 1.
    pub(super) fn exponential(&mut self) -> u64 {
        let mut whole = 0;
        loop {
            let first = self.bits();
            let (mut last, mut odd) = (first, true);
            loop {
                let next = self.bits();
                if next > last {
                    break;
                }
                last = next;
                odd = !odd;
            }
            if odd {
                return (whole << 32) + (first >> 32);
            }
            whole += 1;
        }
    }
}

/// Draws an index by weight.
#[derive(Clone, Debug)]
pub(super) struct Weighted {
    cumulated: Vec<u64>,
}

impl Weighted {
    /// Relative weights, scaled to integers; order of summation is that of the list.
    pub(super) fn new(weights: impl IntoIterator<Item = f64>) -> Self {
        const SCALE: f64 = (1_u64 << 40) as f64;
        let mut sum = 0;
        let cumulated = weights
            .into_iter()
            .map(|weight| {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "weights here lie between 0 and a million"
                )]
                let scaled = (weight * SCALE) as u64;
                sum += scaled;
                sum
            })
            .collect();
        Self { cumulated }
    }

    pub(super) fn draw(&self, dice: &mut Dice) -> usize {
        let drawn = dice.below(self.cumulated.last().copied().unwrap_or(0));
        self.cumulated.partition_point(|&sum| sum <= drawn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponential_draws_have_mean_1_and_variance_1() {
        let mut dice = Dice::new(1, 0);
        let draws: Vec<f64> = (0..200_000).map(|_| dice.exponential() as f64 / 2f64.powi(32)).collect();
        let mean = draws.iter().sum::<f64>() / draws.len() as f64;
        let variance = draws.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / draws.len() as f64;
        assert!((mean - 1.0).abs() < 0.01, "{mean}");
        assert!((variance - 1.0).abs() < 0.03, "{variance}");
    }

    #[test]
    fn an_index_is_drawn_as_often_as_its_weight_says() {
        let weighted = Weighted::new([1.0, 0.0, 3.0]);
        let mut dice = Dice::new(2, 0);
        let mut seen = [0_u32; 3];
        for _ in 0..40_000 {
            seen[weighted.draw(&mut dice)] += 1;
        }
        assert_eq!(seen[1], 0);
        assert!((9_600..10_400).contains(&seen[0]), "{seen:?}");
    }
}
