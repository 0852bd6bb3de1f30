//! A lane as it is named and chosen at run time: a transport, one of its variants, and the settings of both.

use std::sync::OnceLock;

use serde_json::{Map, Value};

use crate::{
    Kind,
    api::{Job, Transport, Variant},
};

/// A transport and one of its variants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Lane {
    kind: Kind,
    variant: usize,
}

/// Settings that a lane can't be opened with.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// Its transport doesn't know them, or takes no such value.
    #[error("the settings of {transport} are not understood: {source}")]
    NotUnderstood {
        /// The transport.
        transport: &'static str,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// They are what its name says.
    #[error("`{key}` is no setting of {transport}: the name of a lane decides it")]
    DecidedByLane {
        /// The transport.
        transport: &'static str,
        /// The setting.
        key: String,
        /// Lanes over it that have the value which was wanted.
        have_it: Vec<&'static str>,
        /// All lanes over it.
        lanes: Vec<&'static str>,
    },
}

impl SettingsError {
    /// What to write instead, where that is known.
    #[must_use]
    pub fn remedy(&self) -> Option<String> {
        match self {
            Self::NotUnderstood { .. } => None,
            Self::DecidedByLane { key, have_it, lanes, .. } if have_it.is_empty() => {
                Some(format!("leave `{key}` out: no lane has that value; there are: {}", lanes.join(", ")))
            }
            Self::DecidedByLane { key, have_it, .. } => {
                Some(format!("leave `{key}` out, and name the lane that has that value: {}", have_it.join(", ")))
            }
        }
    }
}

impl Lane {
    /// Every lane of this build, in the order of the list.
    #[must_use]
    pub fn all() -> &'static [Self] {
        static ALL: OnceLock<Vec<Lane>> = OnceLock::new();
        ALL.get_or_init(|| {
            let of = |kind: Kind| (0..kind.variants().len()).map(move |variant| Self { kind, variant });
            Kind::ALL.iter().copied().flat_map(of).collect()
        })
    }

    /// The lane of that name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        Self::all().iter().copied().find(|lane| lane.name() == name)
    }

    /// The names of all lanes.
    #[must_use]
    pub fn names() -> Vec<&'static str> {
        Self::all().iter().map(|lane| lane.name()).collect()
    }

    /// Its name, as in `--lanes`: `kernel-udp`, `io-uring/tcp`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.info().lane
    }

    /// Its name without what is special about it, and that, which may be empty: (`afxdp-copy`, `skb`).
    #[must_use]
    pub fn parts(self) -> (&'static str, &'static str) {
        self.name().split_once('/').unwrap_or((self.name(), ""))
    }

    /// Name of its transport, under which a profile has its settings: `afxdp`.
    #[must_use]
    pub fn transport(self) -> &'static str {
        self.kind.name()
    }

    /// What it is, in a line.
    #[must_use]
    pub fn summary(self) -> &'static str {
        self.info().summary
    }

    /// The settings that an endpoint opens it with: those that its name decides, what is `wanted` of the others (by a
    /// profile), and the defaults of the rest. In full, so that they can be shown.
    ///
    /// # Errors
    /// [`SettingsError`] for what the transport doesn't understand, and for what the name decides.
    pub fn settings(self, wanted: &Map<String, Value>) -> Result<Value, SettingsError> {
        self.kind.dispatch(Settings { lane: self, wanted })
    }

    pub(crate) const fn kind(self) -> Kind {
        self.kind
    }

    fn info(self) -> &'static Variant {
        // The index comes from `all`, over the same list.
        &self.kind.variants()[self.variant]
    }
}

/// Reads settings as a transport's own type; `null` gives its defaults.
///
/// # Errors
/// [`SettingsError`].
pub fn read_settings<T: Transport>(settings: &Value) -> Result<T::Config, SettingsError> {
    if settings.is_null() {
        return Ok(T::Config::default());
    }
    serde_json::from_value(settings.clone()).map_err(not_understood::<T>)
}

fn not_understood<T: Transport>(source: serde_json::Error) -> SettingsError {
    SettingsError::NotUnderstood { transport: T::NAME, source }
}

/// What the name of a lane decides.
fn decided<T: Transport>(variant: &Variant) -> Result<Map<String, Value>, SettingsError> {
    let read = |json| serde_json::from_str::<Map<String, Value>>(json).map_err(not_understood::<T>);
    let mut decided = read(T::DECIDED_BY_LANE)?;
    decided.extend(read(variant.settings)?);
    Ok(decided)
}

/// The lanes whose names decide so.
fn deciding<T: Transport>(key: &str, value: &Value) -> Vec<&'static str> {
    let so = |variant: &&Variant| decided::<T>(variant).is_ok_and(|all| all.get(key) == Some(value));
    T::VARIANTS.iter().filter(so).map(|variant| variant.lane).collect()
}

struct Settings<'a> {
    lane: Lane,
    wanted: &'a Map<String, Value>,
}

impl Job for Settings<'_> {
    type Out = Result<Value, SettingsError>;

    fn run<T: Transport>(self) -> Self::Out {
        let mut merged = decided::<T>(self.lane.info())?;
        if let Some((key, value)) = self.wanted.iter().find(|(key, _)| merged.contains_key(*key)) {
            let (key, have_it) = (key.clone(), deciding::<T>(key, value));
            let lanes = T::VARIANTS.iter().map(|variant| variant.lane).collect();
            return Err(SettingsError::DecidedByLane { transport: T::NAME, key, have_it, lanes });
        }
        merged.extend(self.wanted.clone());
        let config = read_settings::<T>(&Value::Object(merged))?;
        serde_json::to_value(config).map_err(not_understood::<T>)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_lane_has_a_name_of_its_own_and_is_found_by_it() {
        let names = Lane::names();
        for lane in Lane::all() {
            assert_eq!(Lane::by_name(lane.name()), Some(*lane));
            assert_eq!(names.iter().filter(|n| **n == lane.name()).count(), 1);
        }
    }

    #[test]
    fn the_settings_of_every_lane_are_understood_by_its_transport() {
        for lane in Lane::all() {
            let settings = lane.settings(&Map::new());
            assert!(settings.is_ok(), "{}: {}", lane.name(), settings.unwrap_err());
        }
    }

    #[test]
    fn a_setting_that_there_is_not_is_refused_with_the_transports_name() {
        let wanted = Map::from_iter([("colour".to_owned(), Value::from("red"))]);
        let text = Lane::by_name("kernel-udp").unwrap().settings(&wanted).unwrap_err().to_string();
        assert!(text.contains("kernel-udp") && text.contains("colour"), "{text}");
    }

    /// What a lane's name decides, by its transport.
    struct Decided(Lane);

    impl Job for Decided {
        type Out = Map<String, Value>;

        fn run<T: Transport>(self) -> Self::Out {
            decided::<T>(self.0.info()).unwrap()
        }
    }

    #[test]
    fn no_setting_of_a_profile_changes_what_a_lanes_name_means() {
        let decided = |lane: Lane| lane.kind.dispatch(Decided(lane));
        for lane in Lane::all() {
            let own = decided(*lane);
            let opened = lane.settings(&Map::new()).unwrap();
            for (key, value) in &own {
                assert_eq!(&opened[key], value, "{}: {key}", lane.name());
            }
            for other in Lane::all().iter().filter(|other| other.kind == lane.kind) {
                let others = decided(*other);
                assert!(own.keys().eq(others.keys()), "{} decides what {} leaves open", lane.name(), other.name());
                assert!(lane == other || own != others, "{} is {}", lane.name(), other.name());
                for (key, value) in others {
                    let refused = lane.settings(&Map::from_iter([(key.clone(), value)])).unwrap_err();
                    assert!(refused.to_string().contains(&key), "{refused}");
                    let remedy = refused.remedy().unwrap();
                    assert!(remedy.contains(other.name()), "{}: {key}: {remedy}", lane.name());
                }
            }
        }
    }

    #[test]
    fn a_value_that_no_lane_has_is_answered_with_the_lanes_that_there_are() {
        let wanted = Map::from_iter([("mode".to_owned(), Value::from("hardware"))]);
        let remedy = Lane::by_name("afxdp-copy").unwrap().settings(&wanted).unwrap_err().remedy().unwrap();
        assert!(remedy.contains("no lane has that value") && remedy.contains("afxdp-copy/skb, "), "{remedy}");
    }

    #[test]
    fn what_no_profile_decides_of_a_lane_stays_a_setting() {
        let wanted = Map::from_iter([("busy_poll_budget".to_owned(), Value::from(16))]);
        for lane in ["kernel-udp", "kernel-udp-busypoll", "kernel-tcp", "afxdp-copy", "afxdp-copy/busypoll"] {
            let settings = Lane::by_name(lane).unwrap().settings(&wanted).unwrap();
            assert_eq!(settings["busy_poll_budget"], 16, "{lane}");
            assert_eq!(settings["busy_poll"], lane.ends_with("busypoll"), "{lane}");
        }
    }
}
