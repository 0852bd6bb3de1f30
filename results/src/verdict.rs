//! The four things that can be said in the end.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The verdict on a requirement, or on the whole run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Measured, on sufficient evidence, and on the right side of the limit.
    Pass,
    /// Measured, on sufficient evidence, and on the wrong side.
    Fail,
    /// It ran, but the evidence is too weak or the statistics don't suffice.
    NotCertifiable,
    /// It did not run; the certificate says what it needs.
    NotRun,
}

impl Verdict {
    /// The word used in certificates.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::NotCertifiable => "not-certifiable",
            Self::NotRun => "not-run",
        }
    }

    /// The exit status of a command that ends with it.
    #[must_use]
    pub const fn exit_status(self) -> u8 {
        match self {
            Self::Pass => 0,
            Self::Fail => 1,
            Self::NotCertifiable => 3,
            Self::NotRun => 4,
        }
    }

    /// The verdict on a whole made of `parts`: a failure outweighs all, then weak evidence, then what did not run.
    /// Of nothing, `not-run`: an empty certificate passes nobody.
    #[must_use]
    pub fn of_all(parts: impl IntoIterator<Item = Self>) -> Self {
        parts.into_iter().max_by_key(|v| v.weight()).unwrap_or(Self::NotRun)
    }

    const fn weight(self) -> u8 {
        match self {
            Self::Pass => 0,
            Self::NotRun => 1,
            Self::NotCertifiable => 2,
            Self::Fail => 3,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::Verdict::{self, *};

    #[test]
    fn one_failure_fails_the_whole() {
        assert_eq!(Verdict::of_all([Pass, NotCertifiable, Fail, NotRun]), Fail);
    }

    #[test]
    fn nothing_measured_is_never_a_pass() {
        assert_eq!(Verdict::of_all([]), NotRun);
        assert_eq!(Verdict::of_all([Pass, NotRun]), NotRun);
    }
}
