//! Ranks, equal values sharing the mean of theirs. They are kept doubled, so that they are whole numbers.

use crate::time::Nanos;

/// Doubled ranks (2 for the smallest of all) and the sizes of the groups of equal values.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Ranks {
    pub(super) doubled: Vec<u64>,
    pub(super) ties: Vec<u64>,
}

impl Ranks {
    /// Of `values` in any order; what is not a number counts as largest.
    pub(super) fn of<T: PartialOrd + Copy>(values: &[T]) -> Self {
        let mut order: Vec<(T, usize)> = values.iter().copied().zip(0..).collect();
        order.sort_unstable_by(|a, b| a.0.partial_cmp(&b.0).unwrap_or(std::cmp::Ordering::Equal));
        Self::of_groups(values.len(), order.chunk_by(|a, b| a.0 == b.0).map(|g| g.iter().map(|(_, index)| *index)))
    }

    /// Of latencies: value and index in one word sort in half the time, which matters for millions of them.
    pub(super) fn of_latencies(values: &[Nanos]) -> Self {
        const INDEX_BITS: u32 = 26;
        let fits = values.len() < 1 << INDEX_BITS && values.iter().all(|v| v.0 >> (64 - INDEX_BITS) == 0);
        if !fits {
            return Self::of(values);
        }
        let mut keys: Vec<u64> = values.iter().zip(0_u64..).map(|(v, index)| v.0 << INDEX_BITS | index).collect();
        keys.sort_unstable();
        let index = |key: &u64| usize::try_from(key & ((1 << INDEX_BITS) - 1)).unwrap_or(0);
        let groups = keys.chunk_by(|a, b| a >> INDEX_BITS == b >> INDEX_BITS);
        Self::of_groups(values.len(), groups.map(|g| g.iter().map(index)))
    }

    /// From the indices of equal values, group by group, smallest value first.
    fn of_groups(len: usize, groups: impl Iterator<Item = impl ExactSizeIterator<Item = usize>>) -> Self {
        let mut doubled = vec![0; len];
        let mut ties = Vec::new();
        let mut before = 0;
        for group in groups {
            let size = as_u64(group.len());
            // Ranks before+1 ..= before+size, so their mean doubled is 2*before + size + 1.
            for index in group {
                doubled[index] = 2 * before + size + 1;
            }
            if size > 1 {
                ties.push(size);
            }
            before += size;
        }
        Self { doubled, ties }
    }
}

/// A length; `usize` is never wider than 64 bits where this runs.
pub(super) fn as_u64(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

/// Number of ways to reach each sum by choosing any of `items`, split by how many are chosen up to `most`:
/// `ways[k][sum]`. As floats: the counts outgrow 64 bits, and relative precision is all that a p-value needs.
pub(super) fn ways_by_size(items: &[usize], most: usize) -> Vec<Vec<f64>> {
    let sum: usize = items.iter().sum();
    let mut ways = vec![vec![0.0; sum + 1]; most + 1];
    ways[0][0] = 1.0;
    let mut reached = 0;
    for (seen, &item) in items.iter().enumerate() {
        for k in (1..=most.min(seen + 1)).rev() {
            let (fewer, these) = ways.split_at_mut(k);
            let (from, to) = (&fewer[k - 1][..=reached], &mut these[0][item..=item + reached]);
            for (to, from) in to.iter_mut().zip(from) {
                *to += from;
            }
        }
        reached += item;
    }
    ways
}

/// Number of ways to reach each sum by choosing any of `items`.
pub(super) fn ways_by_sum(items: &[usize]) -> Vec<f64> {
    let mut ways = vec![0.0; items.iter().sum::<usize>() + 1];
    ways[0] = 1.0;
    let mut reached = 0;
    for &item in items {
        for sum in (0..=reached).rev() {
            ways[sum + item] += ways[sum];
        }
        reached += item;
    }
    ways
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_share_the_mean_of_their_ranks() {
        let r = Ranks::of(&[10.0, 30.0, 20.0, 20.0, 20.0, 40.0, 10.0]);
        assert_eq!(r.doubled, [3, 12, 8, 8, 8, 14, 3]);
        assert_eq!(r.ties, [2, 3]);
    }

    #[test]
    fn latencies_are_ranked_alike_by_both_ways() {
        let x: Vec<Nanos> = [5, 3, 5, 9, 0, 3, 3].map(Nanos).into();
        assert_eq!(Ranks::of_latencies(&x), Ranks::of(&x));
        let too_long: Vec<Nanos> = [u64::MAX, 1, 1 << 40].map(Nanos).into();
        assert_eq!(Ranks::of_latencies(&too_long).doubled, [6, 2, 4]);
    }

    #[test]
    fn the_ways_to_choose_are_the_binomials() {
        let ways = ways_by_size(&[1, 2, 3, 4], 2);
        assert_eq!(ways[2], [0.0, 0.0, 0.0, 1.0, 1.0, 2.0, 1.0, 1.0, 0.0, 0.0, 0.0]);
        let of_20: f64 = ways_by_size(&(1..=40).collect::<Vec<_>>(), 20)[20].iter().sum();
        assert!((of_20 / 137_846_528_820.0 - 1.0).abs() < 1e-12, "40 over 20");
    }
}
