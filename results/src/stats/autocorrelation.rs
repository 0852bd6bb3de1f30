//! Whether a sample tells something about the next one. If it does, n samples say less than n independent ones, and
//! intervals from within one repetition are too narrow: one more reason why repetitions are the unit.

use super::{distribution::chi_squared_above, len_f64};

/// Result of [`ljung_box`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LjungBox {
    /// The statistic Q.
    pub q: f64,
    /// Probability of such a Q or a larger one where there is no autocorrelation.
    pub p: f64,
}

/// Sample autocorrelation at lags 1 to `lags`: the autocovariances with divisor n over the variance (Box, Jenkins &
/// Reinsel, "Time Series Analysis", eq. 2.1.12). Zero for a series that never changes.
#[must_use]
pub fn autocorrelation(series: &[f64], lags: usize) -> Vec<f64> {
    let mean = series.iter().sum::<f64>() / len_f64(series.len().max(1));
    let variation: f64 = series.iter().map(|x| (x - mean).powi(2)).sum();
    let at = |lag: usize| -> f64 {
        if variation <= 0.0 {
            return 0.0;
        }
        let later = series.get(lag..).unwrap_or_default();
        series.iter().zip(later).map(|(a, b)| (a - mean) * (b - mean)).sum::<f64>() / variation
    };
    (1..=lags).map(at).collect()
}

/// Test of the hypothesis that the first autocorrelations of `n` samples are all zero (Ljung & Box, "On a Measure of
/// Lack of Fit in Time Series Models", Biometrika 65(2), 1978).
#[must_use]
pub fn ljung_box(n: usize, autocorrelations: &[f64]) -> LjungBox {
    let n = len_f64(n);
    let sum: f64 = autocorrelations.iter().zip(1_u32..).map(|(r, lag)| r * r / (n - f64::from(lag)).max(1.0)).sum();
    let q = n * (n + 2.0) * sum;
    LjungBox { q, p: chi_squared_above(q, len_f64(autocorrelations.len())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Luteinizing hormone in blood at 10-minute intervals (Diggle 1990; data set `lh` of R).
    const LH: [f64; 48] = [
        2.4, 2.4, 2.4, 2.2, 2.1, 1.5, 2.3, 2.3, 2.5, 2.0, 1.9, 1.7, 2.2, 1.8, 3.2, 3.2, 2.7, 2.2, 2.2, 1.9, 1.9, 1.8,
        2.7, 3.0, 2.3, 2.0, 2.0, 2.9, 2.9, 2.7, 2.7, 2.3, 2.6, 2.4, 1.8, 1.7, 1.5, 1.4, 2.1, 3.3, 3.5, 3.5, 3.1, 2.6,
        2.1, 3.4, 3.0, 2.9,
    ];

    #[test]
    fn the_autocorrelations_of_the_hormone_series_are_those_that_r_prints() {
        let printed = [0.576, 0.182, -0.145, -0.175, -0.150, -0.021, -0.020, -0.004, -0.136, -0.154];
        for (got, printed) in autocorrelation(&LH, 10).iter().zip(printed) {
            assert!((got - printed).abs() < 5e-4, "{got} is not {printed}");
        }
    }

    #[test]
    fn ljung_and_boxs_statistic_of_the_hormone_series_is_known() {
        // statsmodels 0.15: acorr_ljungbox(lh, lags=[1, 10]).
        for (lags, q, p) in [(1, 16.913_791_758, 3.911_634_1e-5), (10, 25.350_930_361, 4.718_556_595e-3)] {
            let t = ljung_box(48, &autocorrelation(&LH, lags));
            assert!((t.q - q).abs() < 1e-6 && (t.p / p - 1.0).abs() < 1e-6, "{t:?}");
        }
    }

    #[test]
    fn an_alternating_series_has_autocorrelation_of_nearly_minus_one() {
        let x: Vec<f64> = (0..1_000).map(|i| f64::from(i % 2)).collect();
        let r = autocorrelation(&x, 2);
        assert!((r[0] + 0.999).abs() < 1e-9 && (r[1] - 0.998).abs() < 1e-9, "{r:?}");
    }

    #[test]
    fn a_constant_series_shows_none() {
        let r = autocorrelation(&[3.0; 50], 3);
        assert_eq!(r, [0.0; 3]);
        assert!((ljung_box(50, &r).p - 1.0).abs() < 1e-12);
        assert_eq!(autocorrelation(&[], 2), [0.0; 2]);
    }
}
