//! The part of a profile that says what is wanted of hardware stamps.

use tickcert_results::{stamp::StampPolicy, time::Nanos};
use toml::Spanned;

use super::{
    FEWEST_REPETITIONS_FOR_INTERVALS, ProfileError, StampsSpec,
    check::Document,
    parse_policy,
    raw::{RawStamps, Scalar},
};

const COVERAGE: f64 = 0.999;
/// A lane is asked for its stamps at least five times in this time, however busy the endpoint is.
const TIMEOUT: Nanos = Nanos::SECOND;

impl Document<'_> {
    pub(super) fn stamps(&self, raw: &RawStamps) -> Result<StampsSpec, ProfileError> {
        let policy = raw.policy.as_ref().map_or(Ok(StampPolicy::default()), |p| self.policy(p))?;
        self.nothing_without_stamps(policy, raw)?;
        Ok(StampsSpec {
            policy,
            coverage: raw.coverage.as_ref().map_or(Ok(COVERAGE), |c| self.coverage(c))?,
            timeout: raw.timeout.as_ref().map_or(Ok(TIMEOUT), |t| self.stamp_timeout(t))?,
            cost_repetitions: raw.cost_repetitions.as_ref().map_or(FEWEST_REPETITIONS_FOR_INTERVALS, |n| *n.get_ref()),
        })
    }

    fn policy(&self, value: &Spanned<String>) -> Result<StampPolicy, ProfileError> {
        parse_policy(value.get_ref()).map_err(|e| {
            let what = format!("no policy of stamps `{}`{}", e.found, e.hint);
            self.error(value, what, format!("there are: {}", e.known))
        })
    }

    /// Refuses keys that would do nothing.
    fn nothing_without_stamps(&self, policy: StampPolicy, raw: &RawStamps) -> Result<(), ProfileError> {
        if policy != StampPolicy::Off {
            return Ok(());
        }
        let what = |key: &str| format!("`{key}` does nothing with `policy = \"off\"`");
        let remedy = "leave it out, or write `policy = \"prefer\"`";
        match (&raw.coverage, &raw.timeout, &raw.cost_repetitions) {
            (Some(value), ..) => Err(self.error(value, what("coverage"), remedy)),
            (_, Some(value), _) => Err(self.error(value, what("timeout"), remedy)),
            (.., Some(value)) => Err(self.error(value, what("cost_repetitions"), remedy)),
            _ => Ok(()),
        }
    }

    fn coverage(&self, value: &Spanned<Scalar>) -> Result<f64, ProfileError> {
        let share = f64::from(self.suffixed(value, "%", 4)?) / 1e6;
        if share > 0.0 && share <= 1.0 {
            return Ok(share);
        }
        let what = format!("a coverage of {} is none that can be asked for", self.at(value));
        Err(self.error(value, what, "write a share of the frames above 0 % and up to 100 %"))
    }

    fn stamp_timeout(&self, value: &Spanned<Scalar>) -> Result<Nanos, ProfileError> {
        let timeout = self.duration(value)?;
        if timeout >= Nanos::MILLI {
            return Ok(timeout);
        }
        let remedy = "write at least `1 ms`: a driver hands over a transmit stamp some time after the frame";
        Err(self.error(value, format!("nobody gets a stamp within {timeout}"), remedy))
    }
}

#[cfg(test)]
mod tests {
    use crate::profile::{Profile, StampsSpec, tests::SMALL};

    use super::*;

    fn read(table: &str) -> Result<StampsSpec, String> {
        let text = SMALL.replace("[[load]]", &format!("[stamps]\n{table}\n[[load]]"));
        Profile::from_text("my.toml", &text).map(|p| p.stamps).map_err(|e| e.to_string())
    }

    #[test]
    fn without_a_word_stamps_are_preferred_and_nearly_every_frame_must_have_one() {
        let defaults =
            StampsSpec { policy: StampPolicy::Prefer, coverage: 0.999, timeout: Nanos::SECOND, cost_repetitions: 5 };
        assert_eq!(Profile::from_text("my.toml", SMALL).unwrap().stamps, defaults);
        assert_eq!(read(""), Ok(defaults));
    }

    #[test]
    fn every_key_is_read() {
        let read = read("policy = 'require'\ncoverage = '99.95 %'\ntimeout = '20 ms'\ncost_repetitions = 0").unwrap();
        let timeout = Nanos::MILLI * 20;
        assert_eq!(read, StampsSpec { policy: StampPolicy::Require, coverage: 0.9995, timeout, cost_repetitions: 0 });
    }

    #[test]
    fn what_makes_no_sense_is_said_at_its_place_with_what_to_write() {
        for (table, what, remedy) in [
            (
                "policy = 'requier'",
                "my.toml:8:10: no policy of stamps `requier`; did you mean `require`?",
                "there are: require, prefer, off",
            ),
            ("coverage = 99.9", "`99.9` has no unit", "coverage = \"99.9 %\""),
            ("coverage = '0 %'", "a coverage of '0 %'", "above 0 %"),
            ("coverage = '100.1 %'", "a coverage of '100.1 %'", "up to 100 %"),
            ("timeout = '10 us'", "nobody gets a stamp within 10.00 us", "`1 ms`"),
            ("timeout = 20", "`20` has no unit", "timeout = \"20 ms\""),
            ("policy = 'off'\ncost_repetitions = 3", "`cost_repetitions` does nothing", "leave it out"),
            ("flor = 1", "unknown key `flor`", "policy, coverage, timeout, cost_repetitions"),
        ] {
            let said = read(table).unwrap_err();
            assert!(said.contains(what) && said.contains(remedy), "{table}: {said}");
        }
    }

    #[test]
    fn the_strict_profile_requires_stamps_and_the_other_prefers_them() {
        let policy = |name| Profile::load(name).unwrap().stamps.policy;
        assert_eq!((policy("colo"), policy("ci")), (StampPolicy::Require, StampPolicy::Prefer));
    }
}
