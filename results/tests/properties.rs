//! What must hold for whatever latencies there are.

use proptest::prelude::*;
use tickcert_results::{
    hist::Histogram,
    stats::{
        holm::holm,
        mann_whitney::mann_whitney,
        order_statistic::rank_interval,
        quantile::{Quantile, of_sorted},
        signed_rank::signed_rank,
        summarise::quantiles,
    },
    time::Nanos,
};

/// Latencies from nothing to a minute, of every size.
#[cfg(test)]
fn latency() -> impl Strategy<Value = Nanos> {
    prop_oneof![0_u64..3_000, 3_000_u64..1_000_000, 1_000_000_u64..=60_000_000_000].prop_map(Nanos)
}

#[cfg(test)]
fn latencies(n: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Nanos>> {
    prop::collection::vec(latency(), n)
}

#[cfg(test)]
fn of(samples: &[Nanos]) -> Histogram {
    Histogram::of(samples.iter().copied()).unwrap()
}

proptest! {
    #[test]
    fn merging_histograms_is_recording_all(a in latencies(0..200), b in latencies(0..200)) {
        let mut merged = of(&a);
        merged.merge(&of(&b)).unwrap();
        let all = of(&[a, b].concat());
        prop_assert_eq!(&merged, &all);
        prop_assert_eq!((merged.min(), merged.max(), merged.len()), (all.min(), all.max(), all.len()));
    }

    #[test]
    fn a_quantile_never_falls_as_q_rises(x in latencies(1..200), p in 0.0..1.0_f64, q in 0.0..1.0_f64) {
        let h = of(&x);
        prop_assert!(h.quantile(p.min(q)).unwrap() <= h.quantile(p.max(q)).unwrap());
        prop_assert!(h.quantile(q).unwrap() >= h.min().unwrap() && h.quantile(q).unwrap() <= h.max().unwrap());
    }

    #[test]
    fn a_quantile_is_its_nearest_rank_sample_or_at_most_a_thousandth_above(x in latencies(1..200), q in 0.0..1.0_f64) {
        let h = of(&x).quantile(q).unwrap().0;
        let mut sorted = x;
        sorted.sort_unstable();
        let exact = of_sorted(&sorted, q).unwrap().0;
        prop_assert!(exact <= h && h <= exact + exact / 1_000, "{} for {}", h, exact);
    }

    #[test]
    fn encoding_and_decoding_changes_nothing(x in latencies(0..200)) {
        let h = of(&x);
        prop_assert_eq!(Histogram::from_base64(&h.to_base64().unwrap()).unwrap(), h);
    }

    #[test]
    fn an_interval_holds_its_value_and_quantiles_rise(
        x in prop::collection::vec(latencies(20..60), 5..9), seed in any::<u64>(),
    ) {
        let h: Vec<_> = x.iter().map(|r| of(r)).collect();
        let q = quantiles(&h.iter().collect::<Vec<_>>(), seed).unwrap();
        for (name, [low, high]) in &q.ci95 {
            let value = u32::try_from(q.by_name(name).unwrap().0 / 1_000).map(f64::from).unwrap();
            prop_assert!(low / 1e3 <= value + 1.0 && value <= high / 1e3, "{}: {} {} {}", name, low, value, high);
        }
        let shown: Vec<_> = Quantile::ALL.iter().filter_map(|l| q.by_name(l.name())).collect();
        prop_assert!(shown.is_sorted());
        for (l, _) in Quantile::LEVELS {
            prop_assert_ne!(q.by_name(l.name()).is_some(), q.needs_more.contains_key(l.name()));
        }
    }

    #[test]
    fn p_values_are_probabilities_and_do_not_care_which_arm_is_which(
        a in prop::collection::vec(0_u8..20, 1..40), b in prop::collection::vec(0_u8..20, 1..40),
    ) {
        let float = |x: &[u8]| x.iter().copied().map(f64::from).collect::<Vec<_>>();
        let (a, b) = (float(&a), float(&b));
        let (ab, ba) = (mann_whitney(&a, &b).unwrap(), mann_whitney(&b, &a).unwrap());
        prop_assert!((0.0..=1.0).contains(&ab.p) && (ab.p - ba.p).abs() < 1e-9);
        prop_assert!((ab.delta + ba.delta).abs() < 1e-9);
        let d: Vec<f64> = a.iter().zip(&b).map(|(x, y)| x - y).collect();
        let back: Vec<f64> = d.iter().map(|x| -x).collect();
        let (there, back) = (signed_rank(&d), signed_rank(&back));
        prop_assert!((0.0..=1.0).contains(&there.p) && (there.p - back.p).abs() < 1e-9);
    }

    #[test]
    fn holm_never_lowers_a_p_value_and_keeps_the_order_of_the_weighted_ones(
        rows in prop::collection::vec((0.0..=1.0_f64, 1..4_u8), 0..30)
    ) {
        let (p, weights): (Vec<f64>, Vec<f64>) = rows.into_iter().map(|(p, w)| (p, f64::from(w))).unzip();
        let corrected = holm(&p, &weights);
        let total: f64 = weights.iter().sum();
        for i in 0..p.len() {
            prop_assert!(corrected[i] >= p[i] && corrected[i] <= 1.0);
            let mut is_smallest = true;
            for j in 0..p.len() {
                let not_larger = p[i] / weights[i] <= p[j] / weights[j];
                prop_assert!(!not_larger || corrected[i] <= corrected[j]);
                is_smallest &= not_larger;
            }
            // Bonferroni's correction is met by the first and undercut by all others.
            let bonferroni = (p[i] * total / weights[i]).min(1.0);
            prop_assert!(!is_smallest || (corrected[i] - bonferroni).abs() < 1e-12);
        }
    }

    #[test]
    fn an_order_statistic_interval_covers_at_least_what_was_asked(n in 1_u64..5_000, q in 0.01..0.99_f64) {
        if let Some(i) = rank_interval(n, q, 0.95) {
            prop_assert!(i.coverage >= 0.95 && i.coverage <= 1.0 + 1e-9, "{:?}", i);
            prop_assert!(1 <= i.lower && i.lower < i.upper && i.upper <= n, "{:?}", i);
        }
    }
}
