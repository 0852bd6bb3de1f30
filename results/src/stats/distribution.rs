//! The three distributions that p-values and intervals come from. The special functions are those of `statrs`; here
//! they only get the names and the tails that the estimators want, and a check against printed tables.

use statrs::{
    distribution::{ContinuousCDF, StudentsT},
    function::{
        erf::{erfc, erfc_inv},
        gamma::gamma_ur,
    },
};

/// P(|Z| ≥ |z|) for a standard normal Z.
pub(super) fn normal_two_sided(z: f64) -> f64 {
    erfc(z.abs() / std::f64::consts::SQRT_2)
}

/// The quantile `p` of the standard normal.
pub(super) fn normal_quantile(p: f64) -> f64 {
    -std::f64::consts::SQRT_2 * erfc_inv(2.0 * p)
}

/// P(X ≥ x) for X of χ² with `df` degrees of freedom.
pub(super) fn chi_squared_above(x: f64, df: f64) -> f64 {
    if x <= 0.0 || df <= 0.0 { 1.0 } else { gamma_ur(df / 2.0, x / 2.0) }
}

/// The quantile `p` of Student's t with `df` degrees of freedom; endless for no degree at all.
pub(super) fn student_quantile(p: f64, df: f64) -> f64 {
    StudentsT::new(0.0, 1.0, df).map_or(f64::INFINITY, |t| t.inverse_cdf(p))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: f64, b: f64) {
        assert!((a - b).abs() < 5e-4, "{a} is not {b}");
    }

    #[test]
    fn the_normal_tail_is_that_of_the_tables() {
        near(normal_two_sided(1.959_964), 0.05);
        near(normal_two_sided(-2.575_829), 0.01);
        near(normal_two_sided(0.0), 1.0);
        near(normal_quantile(0.975), 1.959_964);
    }

    #[test]
    fn the_tail_of_chi_squared_is_that_of_the_tables() {
        near(chi_squared_above(18.307, 10.0), 0.05);
        near(chi_squared_above(3.841, 1.0), 0.05);
        near(chi_squared_above(0.0, 3.0), 1.0);
    }

    #[test]
    fn students_quantiles_are_those_of_the_tables() {
        for (df, t) in [(1.0, 12.7062), (4.0, 2.7764), (9.0, 2.2622), (19.0, 2.0930), (1e6, 1.9600)] {
            near(student_quantile(0.975, df), t);
        }
        assert!(student_quantile(0.975, 0.0).is_infinite());
    }
}
