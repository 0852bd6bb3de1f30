//! What sets a setting right: in words, as steps that a script can take and take back, and what makes it last.

use std::fmt::Write as _;

/// One step of a script. Each is undone by what stood there before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A value into a file of procfs or sysfs.
    Write {
        /// Its path, from `/`.
        path: String,
        /// The value.
        value: String,
    },
    /// A parameter of an interface, by ethtool.
    Nic {
        /// Which interface.
        interface: String,
        /// Which parameter.
        parameter: NicParameter,
        /// Its new value.
        value: &'static str,
    },
    /// A command, with the one that takes it back.
    Run {
        /// Does it.
        command: String,
        /// Takes it back.
        undo: String,
    },
}

/// What ethtool can set of an interface, by the name that its command line has for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NicParameter {
    /// `-C`: how interrupts are gathered.
    Coalesce(&'static str),
    /// `-K`: a feature, by its short name and by the one that `-k` prints.
    Feature {
        /// As `-K` wants it.
        short: &'static str,
        /// As `-k` prints it.
        long: &'static str,
    },
    /// `-A`: pause frames.
    Pause(&'static str),
}

impl NicParameter {
    /// Option and name, as on ethtool's command line.
    #[must_use]
    pub const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Coalesce(name) => ("-C", name),
            Self::Feature { short, .. } => ("-K", short),
            Self::Pause(name) => ("-A", name),
        }
    }
}

/// How a setting is set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Remedy {
    /// For a reader.
    pub(super) text: String,
    /// For a script; none where it takes a person.
    pub(super) steps: Vec<Step>,
    /// Parameters for the kernel's command line.
    pub(super) boot: String,
    /// `None` where there is nothing to set.
    pub(super) survives_reboot: Option<bool>,
    /// What makes it last.
    pub(super) lasting: String,
}

impl Remedy {
    /// Where there is nothing to set.
    pub(super) fn none() -> Self {
        Self { text: "none needed".into(), ..Self::default() }
    }

    /// A value into one file.
    pub(super) fn write(path: &str, value: &str) -> Self {
        Self::writes(vec![(path.to_owned(), value.to_owned())])
    }

    /// A value into each of some files (paths without the first `/`, as the readers have them).
    pub(super) fn writes(files: Vec<(String, String)>) -> Self {
        let text: Vec<String> = files.iter().map(|(path, value)| shell_write(path, value)).collect();
        let lasting: Vec<String> = files.iter().map(|(path, value)| lasting_write(path, value)).collect();
        Self {
            text: text.join("; "),
            steps: files.into_iter().map(|(path, value)| Step::Write { path: format!("/{path}"), value }).collect(),
            boot: String::new(),
            survives_reboot: Some(false),
            lasting: lasting.join("; "),
        }
    }

    /// Parameters of one interface.
    pub(super) fn nic(interface: &str, changes: &[(NicParameter, &'static str)]) -> Self {
        let mut commands: Vec<String> = Vec::new();
        for (parameter, value) in changes {
            let (option, name) = parameter.words();
            let start = format!("ethtool {option} {interface}");
            match commands.iter_mut().find(|c| c.starts_with(&start)) {
                Some(command) => {
                    let _ = write!(command, " {name} {value}");
                }
                None => commands.push(format!("{start} {name} {value}")),
            }
        }
        let rule: Vec<String> = commands.iter().map(|c| format!("RUN+=\"/usr/sbin/{c}\"")).collect();
        let step = |&(parameter, value)| Step::Nic { interface: interface.to_owned(), parameter, value };
        Self {
            text: commands.join("; "),
            steps: changes.iter().map(step).collect(),
            boot: String::new(),
            survives_reboot: Some(false),
            lasting: format!(
                "a line in /etc/udev/rules.d/90-tickcert.rules: ACTION==\"add\", SUBSYSTEM==\"net\", KERNEL==\"{interface}\", {}",
                rule.join(", ")
            ),
        }
    }

    /// A command and the one that takes it back.
    pub(super) fn run(command: &str, undo: &str, lasting: &str) -> Self {
        Self {
            text: command.to_owned(),
            steps: vec![Step::Run { command: command.to_owned(), undo: undo.to_owned() }],
            boot: String::new(),
            survives_reboot: Some(false),
            lasting: lasting.to_owned(),
        }
    }

    /// The kernel's command line; `note` says more where the parameters don't speak for themselves.
    pub(super) fn boot(parameters: &str, note: &str) -> Self {
        Self {
            text: format!("boot with {parameters}{note}"),
            steps: Vec::new(),
            boot: parameters.to_owned(),
            survives_reboot: Some(true),
            lasting: String::new(),
        }
    }

    /// What takes a person: the firmware's set-up, another slot, another machine.
    pub(super) fn hand(text: &str) -> Self {
        Self { text: text.to_owned(), survives_reboot: Some(true), ..Self::default() }
    }

    /// How the program itself is to be started.
    pub(super) fn start(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            survives_reboot: Some(false),
            lasting: "in the script or unit that starts tickcert".into(),
            ..Self::default()
        }
    }

    /// Left to a person: what it does to others must be looked at first, or isn't undone by writing the old value.
    pub(super) fn by_hand(self) -> Self {
        Self { steps: Vec::new(), ..self }
    }

    /// With other words for a reader than the steps' own.
    pub(super) fn in_words(self, text: String) -> Self {
        Self { text, ..self }
    }

    /// With something better to make it last.
    pub(super) fn lasts_by(self, lasting: &str) -> Self {
        Self { lasting: lasting.to_owned(), ..self }
    }
}

/// What follows `proc/sys/` in a path, as sysctl writes it.
fn sysctl_name(path: &str) -> Option<String> {
    Some(path.strip_prefix("proc/sys/")?.replace('/', "."))
}

fn shell_write(path: &str, value: &str) -> String {
    match sysctl_name(path) {
        Some(name) => format!("sysctl -w {name}={value}"),
        None => format!("echo {value} > /{path}"),
    }
}

fn lasting_write(path: &str, value: &str) -> String {
    match sysctl_name(path) {
        Some(name) => format!("`{name} = {value}` in /etc/sysctl.d/90-tickcert.conf"),
        None => format!("`w /{path} - - - - {value}` in /etc/tmpfiles.d/tickcert.conf"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_sysctl_knows_is_set_and_kept_by_sysctl() {
        let remedy = Remedy::write("proc/sys/kernel/numa_balancing", "0");
        assert_eq!(remedy.text, "sysctl -w kernel.numa_balancing=0");
        assert_eq!(remedy.lasting, "`kernel.numa_balancing = 0` in /etc/sysctl.d/90-tickcert.conf");
        assert_eq!(remedy.survives_reboot, Some(false));
    }

    #[test]
    fn parameters_of_one_option_are_set_by_one_command() {
        let (rx, tx) = (NicParameter::Coalesce("rx-usecs"), NicParameter::Coalesce("tx-usecs"));
        let gro = NicParameter::Feature { short: "gro", long: "generic-receive-offload" };
        let remedy = Remedy::nic("eth2", &[(rx, "0"), (tx, "0"), (gro, "off")]);
        assert_eq!(remedy.text, "ethtool -C eth2 rx-usecs 0 tx-usecs 0; ethtool -K eth2 gro off");
        assert_eq!(remedy.steps.len(), 3);
    }
}
