//! The part of a profile that asks for a sweep of each lane's rates.

use tickcert_results::{
    certificate::SweepPoint,
    time::{Nanos, PerSecond},
};
use toml::Spanned;

use super::{
    ProfileError,
    check::Document,
    raw::{RawSweep, Scalar},
    sweep_values::{SweepValueError, parse_resolution, parse_trial},
    window::{SweepSpec, Window},
};

const SHARES: [f64; 3] = [0.1, 0.5, 0.9];
const IDLE: PerSecond = PerSecond(1_000.0);
const RESOLUTION: f64 = 0.05;

impl Document<'_> {
    pub(super) fn sweep(&self, raw: &RawSweep, window: Window) -> Result<SweepSpec, ProfileError> {
        Ok(SweepSpec {
            shares: raw.shares.as_ref().map_or_else(|| Ok(SHARES.to_vec()), |s| self.shares(s))?,
            idle: raw.idle.as_ref().map_or(Ok(IDLE), |r| self.packet_rate(r))?,
            resolution: raw.resolution.as_ref().map_or(Ok(RESOLUTION), |r| self.resolution(r))?,
            trial: raw.trial.as_ref().map_or(Ok(Nanos::SECOND), |t| self.trial(t))?,
            window: self.window(raw.orders.as_ref(), raw.max_duration.as_ref(), window)?,
        })
    }

    fn shares(&self, raw: &Spanned<Vec<Spanned<Scalar>>>) -> Result<Vec<f64>, ProfileError> {
        let mut shares: Vec<f64> = Vec::new();
        for value in raw.get_ref() {
            let share = self.percent(value)?;
            if !(share > 0.0 && share <= 1.0) {
                let remedy = "write a share of the highest rate above 0 % and up to 100 %";
                return Err(self.error(value, format!("a sweep has no {}", self.at(value)), remedy));
            }
            if shares.contains(&share) {
                return Err(self.error(value, format!("{} stands here twice", self.at(value)), "leave one out"));
            }
            shares.push(share);
        }
        if shares.is_empty() {
            let remedy = "write for example: shares = [\"10 %\", \"50 %\", \"90 %\"]";
            return Err(self.error(raw, "a sweep without a share", remedy));
        }
        Ok(shares)
    }

    fn resolution(&self, value: &Spanned<Scalar>) -> Result<f64, ProfileError> {
        let text = self.with_unit(value, "%", "a share is in %")?;
        parse_resolution(text).map_err(|e| self.split(value, &e))
    }

    fn trial(&self, value: &Spanned<Scalar>) -> Result<Nanos, ProfileError> {
        self.duration(value)?;
        let (Scalar::Text(text) | Scalar::Number(text)) = value.get_ref();
        parse_trial(text).map_err(|e| self.split(value, &e))
    }

    /// The complaint and, after its colon, the remedy.
    fn split(&self, value: &Spanned<Scalar>, e: &SweepValueError) -> ProfileError {
        let text = e.to_string();
        let (what, remedy) = text.split_once(": ").unwrap_or((&text, "see docs/PROFILES.md"));
        self.error(value, what, remedy)
    }

    fn percent(&self, value: &Spanned<Scalar>) -> Result<f64, ProfileError> {
        Ok(f64::from(self.suffixed(value, "%", 2)?) / 1e4)
    }
}

impl SweepSpec {
    /// The points of the sweep, near idle last.
    pub fn points(&self) -> impl Iterator<Item = SweepPoint> {
        self.shares.iter().map(|s| SweepPoint::Share(*s)).chain([SweepPoint::Idle])
    }
}
