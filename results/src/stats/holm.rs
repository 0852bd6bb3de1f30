//! Holm's correction of many p-values that are looked at together (Holm, "A Simple Sequentially Rejective Multiple Test
//! Procedure", Scandinavian Journal of Statistics 6, 1979): the chance of a single false alarm among all of them stays
//! at the level of one, whatever their dependence.

/// The corrected p-values, in the order of `p`.
#[must_use]
pub fn holm(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|a, b| p[*a].total_cmp(&p[*b]));
    let mut corrected = vec![0.0; p.len()];
    let mut largest: f64 = 0.0;
    for (rank, index) in order.into_iter().enumerate() {
        let remaining = super::len_f64(p.len() - rank);
        largest = largest.max((p[index] * remaining).min(1.0));
        corrected[index] = largest;
    }
    corrected
}

#[cfg(test)]
mod tests {
    use super::holm;

    #[test]
    fn the_usual_example_is_met() {
        // R: p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm") gives 0.03 0.06 0.06 0.02.
        for (got, known) in holm(&[0.01, 0.04, 0.03, 0.005]).into_iter().zip([0.03, 0.06, 0.06, 0.02]) {
            assert!((got - known).abs() < 1e-12, "{got} is not {known}");
        }
    }

    #[test]
    fn one_alone_is_not_corrected_and_none_exceeds_one() {
        assert_eq!(holm(&[0.2]), [0.2]);
        assert_eq!(holm(&[0.9, 0.8]), [1.0, 1.0]);
        assert!(holm(&[]).is_empty());
    }
}
