//! Holm's correction of many p-values that are looked at together (Holm, "A Simple Sequentially Rejective Multiple Test
//! Procedure", Scandinavian Journal of Statistics 6, 1979, section 4 for the weights): the chance of a single false alarm
//! among all of them stays at the level of one, whatever their dependence. A p-value with a larger weight gets a larger
//! share of that level, at the cost of the others; the weights are chosen before the data are seen.

/// The corrected p-values, in the order of `p`. Only the ratios of the weights count; each is positive, and there are as
/// many as p-values (those beyond the shorter of the two are left out).
#[must_use]
pub fn holm(p: &[f64], weights: &[f64]) -> Vec<f64> {
    let weighted: Vec<(f64, f64)> = p.iter().copied().zip(weights.iter().copied()).collect();
    let mut order: Vec<usize> = (0..weighted.len()).collect();
    let by_share = |index: usize| weighted[index].0 / weighted[index].1;
    order.sort_by(|a, b| by_share(*a).total_cmp(&by_share(*b)));
    // What is left of the weights from each step on, summed from the small end.
    let mut remaining: Vec<f64> = order
        .iter()
        .rev()
        .scan(0.0, |sum, index| {
            *sum += weighted[*index].1;
            Some(*sum)
        })
        .collect();
    remaining.reverse();
    let mut corrected = vec![0.0; weighted.len()];
    let mut largest: f64 = 0.0;
    for (index, left) in order.into_iter().zip(remaining) {
        let (p, weight) = weighted[index];
        largest = largest.max((p * (left / weight).max(1.0)).min(1.0));
        corrected[index] = largest;
    }
    corrected
}

#[cfg(test)]
mod tests {
    use super::holm;

    fn near(got: &[f64], known: &[f64]) {
        assert_eq!(got.len(), known.len());
        for (got, known) in got.iter().zip(known) {
            assert!((got - known).abs() < 1e-12, "{got} is not {known}");
        }
    }

    #[test]
    fn the_usual_example_is_met_by_equal_weights() {
        // R: p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm") gives 0.03 0.06 0.06 0.02.
        for weight in [1.0, 0.25] {
            near(&holm(&[0.01, 0.04, 0.03, 0.005], &[weight; 4]), &[0.03, 0.06, 0.06, 0.02]);
        }
    }

    #[test]
    fn a_heavier_p_value_is_corrected_less_and_the_others_more() {
        // By hand: p/w is 0.04, 0.04, 0.12; the first two steps spend weights of 1 and 0.5 (0.02 x 2, 0.01 x 2), and the
        // last has none beside it.
        near(&holm(&[0.02, 0.01, 0.03], &[0.5, 0.25, 0.25]), &[0.04, 0.04, 0.04]);
        // 0.01 / 0.5 comes first: 0.01 x 2; then 0.01 x 0.5 / 0.25, and 0.3 alone.
        near(&holm(&[0.01, 0.01, 0.3], &[0.5, 0.25, 0.25]), &[0.02, 0.02, 0.3]);
        // The heavy one fails: the light ones still have only their share.
        near(&holm(&[0.5, 0.004, 0.2], &[0.5, 0.25, 0.25]), &[0.6, 0.016, 0.6]);
    }

    #[test]
    fn one_alone_is_not_corrected_and_none_exceeds_one() {
        near(&holm(&[0.2], &[7.0]), &[0.2]);
        near(&holm(&[0.9, 0.8], &[1.0, 1.0]), &[1.0, 1.0]);
        assert!(holm(&[], &[]).is_empty());
    }
}
