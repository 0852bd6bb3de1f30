//! A histogram of latencies: HDR buckets of three significant digits from 1 ns to 60 s, with what HDR alone would lose
//! (the exact extremes, and the samples beyond its range) kept beside it.
//!
//! Every quantile is the nearest-rank one (see [`crate::stats::quantile`]) and is given as the upper edge of its bucket,
//! cut off at the exact maximum: never below the sample that it stands for and at most 0.1 % above it.

mod v2;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hdrhistogram::{
    Histogram as Hdr,
    serialization::{DeserializeError, Deserializer, Serializer, V2SerializeError, V2Serializer},
};
use thiserror::Error;

use crate::{stats::quantile::rank_of, time::Nanos};

/// The longest latency that has a bucket of its own.
pub const LONGEST: Nanos = Nanos(60_000_000_000);
/// Significant digits of a bucket.
pub const DIGITS: u8 = 3;

/// A sample beyond [`LONGEST`]. It has been counted, and weighs in every quantile as larger than any other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a latency of {0} is beyond the histogram's {LONGEST}; it is counted as out of range")]
pub struct OutOfRange(pub Nanos);

/// Why a histogram could not be made, written or read.
#[derive(Debug, Error)]
pub enum HistogramError {
    /// HDR refused the fixed bounds (never seen: they are legal).
    #[error("the histogram could not be created")]
    Create(#[from] hdrhistogram::CreationError),
    /// Two histograms could not be added.
    #[error("the histograms could not be added: they have different bounds")]
    Merge(#[from] hdrhistogram::errors::AdditionError),
    /// Could not be encoded.
    #[error("the histogram could not be encoded as HDR V2")]
    Encode(#[from] V2SerializeError),
    /// Not base64.
    #[error("the histogram is not base64: was the certificate edited by hand?")]
    Base64(#[from] base64::DecodeError),
    /// Base64, but no HDR V2 histogram.
    #[error("the histogram is not in HDR V2 encoding: was the certificate cut short?")]
    Decode(#[from] DeserializeError),
    /// A histogram of other bounds than ours.
    #[error("the histogram has {digits} digits up to {high} ns, but a certificate's have {DIGITS} up to {LONGEST}")]
    Bounds {
        /// Its digits.
        digits: u32,
        /// Its upper bound in nanoseconds.
        high: u64,
    },
    /// Samples beyond the range have no place in the encoding.
    #[error("{0} samples beyond {LONGEST} cannot be written: the repetition that holds them must be invalid")]
    OutOfRange(u64),
}

/// Latencies of one distribution.
#[derive(Clone, Debug)]
pub struct Histogram {
    buckets: Hdr<u64>,
    /// Exact, of all samples, those out of range too.
    extremes: Option<(Nanos, Nanos)>,
    out_of_range: u64,
}

/// A point of a curve of quantiles.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CurvePoint {
    /// Share of the samples that are no larger than `value`, 0 to 1.
    pub quantile: f64,
    /// Latency at it.
    pub value: Nanos,
}

/// A point of the complementary distribution.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TailPoint {
    /// Latency.
    pub value: Nanos,
    /// Share of the samples that are larger than `value`, 0 to 1.
    pub share_above: f64,
}

impl Histogram {
    /// An empty one (about 220 KB).
    ///
    /// # Errors
    /// Never with these bounds; HDR's constructor says that it may.
    pub fn new() -> Result<Self, HistogramError> {
        Ok(Self { buckets: Hdr::new_with_bounds(1, LONGEST.0, DIGITS)?, extremes: None, out_of_range: 0 })
    }

    /// Of all `samples`; those out of range are counted in [`Self::out_of_range`].
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn of(samples: impl IntoIterator<Item = Nanos>) -> Result<Self, HistogramError> {
        let mut h = Self::new()?;
        for sample in samples {
            // Counted inside; the caller of `of` asks for the count.
            let _ = h.record(sample);
        }
        Ok(h)
    }

    /// Adds a sample.
    ///
    /// # Errors
    /// [`OutOfRange`] above [`LONGEST`]; it has been counted all the same, and is in [`Self::max`].
    pub fn record(&mut self, sample: Nanos) -> Result<(), OutOfRange> {
        self.extremes = Some(match self.extremes {
            None => (sample, sample),
            Some((min, max)) => (min.min(sample), max.max(sample)),
        });
        if sample > LONGEST || self.buckets.record(sample.0).is_err() {
            self.out_of_range += 1;
            return Err(OutOfRange(sample));
        }
        Ok(())
    }

    /// Adds all samples of `other`.
    ///
    /// # Errors
    /// Never with equal bounds, which all of ours have.
    pub fn merge(&mut self, other: &Self) -> Result<(), HistogramError> {
        self.buckets.add(&other.buckets)?;
        self.out_of_range += other.out_of_range;
        self.extremes = match (self.extremes, other.extremes) {
            (Some((a, b)), Some((c, d))) => Some((a.min(c), b.max(d))),
            (a, b) => a.or(b),
        };
        Ok(())
    }

    /// The same samples, each so much later, to the resolution of the buckets.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn later_by(&self, by: Nanos) -> Result<Self, HistogramError> {
        let mut moved = Self::new()?;
        for (value, count) in self.counts() {
            let value = Nanos(value.0.saturating_add(by.0));
            if moved.buckets.record_n(value.0, count).is_err() {
                moved.out_of_range += count;
            }
        }
        moved.out_of_range += self.out_of_range;
        moved.extremes =
            self.extremes.map(|(min, max)| (Nanos(min.0.saturating_add(by.0)), Nanos(max.0.saturating_add(by.0))));
        Ok(moved)
    }

    /// Samples, those out of range too.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.buckets.len() + self.out_of_range
    }

    /// Without a sample.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Samples above [`LONGEST`].
    #[must_use]
    pub const fn out_of_range(&self) -> u64 {
        self.out_of_range
    }

    /// The smallest sample: exact, unless it was read by [`Self::from_base64`] (then the lower edge of its bucket).
    #[must_use]
    pub fn min(&self) -> Option<Nanos> {
        self.extremes.map(|e| e.0)
    }

    /// The largest sample, whatever it was: exact, unless it was read by [`Self::from_base64`] (then the upper edge of
    /// its bucket).
    #[must_use]
    pub fn max(&self) -> Option<Nanos> {
        self.extremes.map(|e| e.1)
    }

    /// The nearest-rank quantile `q` of 0 to 1; `None` where there is no sample. Whether there are *enough* samples for
    /// it is for [`crate::stats::quantile::samples_needed`] to say.
    #[must_use]
    pub fn quantile(&self, q: f64) -> Option<Nanos> {
        let max = self.max()?;
        let rank = rank_of(q, self.len());
        if rank > self.buckets.len() {
            return Some(max);
        }
        // Half a rank below, so that HDR's own rounding up comes to this very rank.
        let exact = (count_f64(rank) - 0.5) / count_f64(self.buckets.len());
        Some(Nanos(self.buckets.value_at_quantile(exact)).min(max))
    }

    /// Each bucket that holds samples: its upper edge and its count, smallest first. Samples out of range have none.
    pub fn counts(&self) -> impl Iterator<Item = (Nanos, u64)> + '_ {
        self.buckets.iter_recorded().map(|v| (Nanos(v.value_iterated_to()), v.count_at_value()))
    }

    /// The lower edge of the bucket that `value` falls into: what the resolution leaves open below a quantile.
    #[must_use]
    pub fn lower_edge(&self, value: Nanos) -> Nanos {
        Nanos(self.buckets.lowest_equivalent(value.0))
    }

    /// The curve of quantiles for a logarithmic axis of 1/(1-q): `per_decade` points from the median's side towards
    /// each further nine, as far as there are samples, and the maximum as the last.
    #[must_use]
    pub fn percentile_curve(&self, per_decade: u32) -> Vec<CurvePoint> {
        let n = count_f64(self.len());
        let per_decade = f64::from(per_decade.max(1));
        let mut points = Vec::new();
        let steps = (n.max(1.0).log10() * per_decade).floor();
        let mut step = 0.0;
        while step <= steps {
            let quantile = 1.0 - 10f64.powf(-step / per_decade);
            points.extend(self.quantile(quantile).map(|value| CurvePoint { quantile, value }));
            step += 1.0;
        }
        points.extend(self.max().map(|value| CurvePoint { quantile: 1.0, value }));
        points
    }

    /// The complementary distribution: for each bucket the share of samples above it.
    pub fn ccdf(&self) -> impl Iterator<Item = TailPoint> + '_ {
        let n = self.len();
        self.counts().scan(0, move |seen, (value, count)| {
            *seen += count;
            Some(TailPoint { value, share_above: count_f64(n - *seen) / count_f64(n) })
        })
    }

    /// HDR's V2 encoding in base64, which the HDR tools of every language read.
    ///
    /// # Errors
    /// [`HistogramError::OutOfRange`] where it holds samples that the encoding has no place for.
    pub fn to_base64(&self) -> Result<String, HistogramError> {
        if self.out_of_range > 0 {
            return Err(HistogramError::OutOfRange(self.out_of_range));
        }
        let mut bytes = Vec::new();
        V2Serializer::new().serialize(&self.buckets, &mut bytes)?;
        Ok(STANDARD.encode(bytes))
    }

    /// The reverse of [`Self::to_base64`]; the extremes are then the edges of their buckets.
    ///
    /// # Errors
    /// Where it is not base64, not HDR V2 (uncompressed, as it was written), or not of our bounds.
    pub fn from_base64(text: &str) -> Result<Self, HistogramError> {
        let bytes = STANDARD.decode(text)?;
        v2::check(&bytes)?;
        let buckets: Hdr<u64> = Deserializer::new().deserialize(&mut bytes.as_slice())?;
        let extremes = (!buckets.is_empty()).then(|| (Nanos(buckets.min()), Nanos(buckets.max())));
        Ok(Self { buckets, extremes, out_of_range: 0 })
    }
}

/// Same counts in every bucket and as many out of range. The exact extremes are left out, since the encoding has no
/// place for them.
impl PartialEq for Histogram {
    fn eq(&self, other: &Self) -> bool {
        self.buckets == other.buckets && self.out_of_range == other.out_of_range
    }
}

/// A count as a number; exact up to 2^53.
#[expect(clippy::cast_precision_loss, reason = "counts of samples stay far below 2^53")]
pub(crate) const fn count_f64(n: u64) -> f64 {
    n as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(samples: &[u64]) -> Histogram {
        Histogram::of(samples.iter().copied().map(Nanos)).unwrap()
    }

    #[test]
    fn a_latency_beyond_a_minute_is_an_error_is_counted_and_is_the_maximum() {
        let mut h = of(&[10, 20]);
        let long = Nanos(LONGEST.0 + 1);
        assert_eq!(h.record(long), Err(OutOfRange(long)));
        assert_eq!((h.out_of_range(), h.len(), h.max()), (1, 3, Some(long)));
        assert_eq!(h.quantile(0.99), Some(long), "it weighs in the quantiles as the largest");
        assert!(matches!(h.to_base64(), Err(HistogramError::OutOfRange(1))));
    }

    #[test]
    fn a_minute_itself_is_within_the_range() {
        assert_eq!(of(&[LONGEST.0]).out_of_range(), 0);
    }

    #[test]
    fn the_extremes_are_exact_although_the_buckets_are_not() {
        let h = of(&[1_234_567_891, 9_876_543_211]);
        assert_eq!((h.min(), h.max()), (Some(Nanos(1_234_567_891)), Some(Nanos(9_876_543_211))));
        assert_eq!(h.quantile(1.0), h.max());
    }

    #[test]
    fn a_quantile_is_at_most_a_thousandth_above_its_sample() {
        let h = of(&[1_000_003, 2_000_003, 3_000_003]);
        let p50 = h.quantile(0.5).unwrap().0;
        assert!((2_000_003..=2_002_003).contains(&p50), "{p50}");
    }

    #[test]
    fn one_to_a_thousand_has_the_quantiles_that_it_must_have() {
        let h = Histogram::of((1..=1_000).map(Nanos)).unwrap();
        let q = |q| h.quantile(q).unwrap().0;
        assert_eq!((q(0.5), q(0.9), q(0.99), q(0.999), q(1.0)), (500, 900, 990, 999, 1_000));
    }

    #[test]
    fn what_was_encoded_is_decoded_to_an_equal_histogram() {
        let h = of(&[0, 1, 25, 8_530, 8_530, 1_000_000, 59_999_999_999]);
        let text = h.to_base64().unwrap();
        let back = Histogram::from_base64(&text).unwrap();
        assert_eq!(back, h);
        let hdr: Hdr<u64> = Deserializer::new().deserialize(&mut STANDARD.decode(&text).unwrap().as_slice()).unwrap();
        assert_eq!(hdr, h.buckets, "the plain HDR reader agrees");
        assert_eq!(back.quantile(0.5), h.quantile(0.5));
    }

    #[test]
    fn other_bounds_and_garbage_are_refused() {
        let mut bytes = Vec::new();
        V2Serializer::new().serialize(&Hdr::<u64>::new_with_bounds(1, 1_000, 2).unwrap(), &mut bytes).unwrap();
        assert!(matches!(Histogram::from_base64(&STANDARD.encode(bytes)), Err(HistogramError::Bounds { .. })));
        assert!(matches!(Histogram::from_base64("%%"), Err(HistogramError::Base64(_))));
        assert!(matches!(Histogram::from_base64("AAAA"), Err(HistogramError::Decode(_))));
    }

    #[test]
    fn the_tail_falls_to_zero_and_the_curve_ends_at_the_maximum() {
        let h = Histogram::of((1..=1_000).map(Nanos)).unwrap();
        let tail: Vec<_> = h.ccdf().collect();
        assert_eq!(tail[499], TailPoint { value: Nanos(500), share_above: 0.5 });
        assert!(tail.last().unwrap().share_above.abs() < f64::EPSILON);
        let curve = h.percentile_curve(1);
        let values: Vec<_> = curve.iter().map(|p| p.value.0).collect();
        assert_eq!(values, [1, 900, 990, 999, 1_000]);
    }

    #[test]
    fn of_nothing_there_is_no_quantile() {
        let h = of(&[]);
        assert_eq!((h.quantile(0.5), h.min(), h.max()), (None, None, None));
        assert!(h.percentile_curve(10).is_empty());
        assert_eq!(Histogram::from_base64(&h.to_base64().unwrap()).unwrap(), h);
    }
}
