//! What sets a setting right: in words, as steps that a script can take and take back, and what makes it last.

use std::{fmt::Write as _, path::Path};

use crate::sysfs;

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

    /// Parameters of one interface. What makes them last goes by the hardware's address: names are given after udev's rules.
    pub(super) fn nic(root: &Path, interface: &str, changes: &[(NicParameter, &'static str)]) -> Self {
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
        // `$name` is what the interface is called once all rules have been gone through.
        let run = |command: &String| format!("RUN+=\"/usr/sbin/{}\"", command.replacen(interface, "$name", 1));
        let rule: Vec<String> = commands.iter().map(run).collect();
        let step = |&(parameter, value)| Step::Nic { interface: interface.to_owned(), parameter, value };
        Self {
            text: commands.join("; "),
            steps: changes.iter().map(step).collect(),
            boot: String::new(),
            survives_reboot: Some(false),
            lasting: format!(
                "a line in /etc/udev/rules.d/90-tickcert.rules: ACTION==\"add\", SUBSYSTEM==\"net\", {}, {}",
                which(root, interface),
                rule.join(", ")
            ),
        }
    }

    /// A command and the one that takes it back.
    pub(super) fn run(command: &str, undo: &str, lasting: &str) -> Self {
        Self::runs(vec![(command.to_owned(), undo.to_owned())], lasting)
    }

    /// Commands, each with the one that takes it back.
    pub(super) fn runs(commands: Vec<(String, String)>, lasting: &str) -> Self {
        Self {
            text: commands.iter().map(|(command, _)| command.as_str()).collect::<Vec<_>>().join("; "),
            steps: commands.into_iter().map(|(command, undo)| Step::Run { command, undo }).collect(),
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

/// The match of a rule of udev. Interfaces over it (VLANs, a bond) have its address too, but no driver of a device of their own.
fn which(root: &Path, interface: &str) -> String {
    match sysfs::read(root, &format!("sys/class/net/{interface}/address")) {
        Some(address) if !address.is_empty() => format!("DRIVERS==\"?*\", ATTR{{address}}==\"{address}\""),
        _ => format!("NAME==\"{interface}\""),
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
    use crate::sysfs::fixture::Tree;

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
        let tree = Tree::new().file("sys/class/net/eth2/address", "b4:96:91:aa:bb:cc\n");
        let remedy = Remedy::nic(tree.root(), "eth2", &[(rx, "0"), (tx, "0"), (gro, "off")]);
        assert_eq!(remedy.text, "ethtool -C eth2 rx-usecs 0 tx-usecs 0; ethtool -K eth2 gro off");
        assert_eq!(remedy.steps.len(), 3);
        assert_eq!(
            remedy.lasting,
            "a line in /etc/udev/rules.d/90-tickcert.rules: ACTION==\"add\", SUBSYSTEM==\"net\", DRIVERS==\"?*\", \
             ATTR{address}==\"b4:96:91:aa:bb:cc\", RUN+=\"/usr/sbin/ethtool -C $name rx-usecs 0 tx-usecs 0\", \
             RUN+=\"/usr/sbin/ethtool -K $name gro off\""
        );
    }

    #[test]
    fn an_interface_without_an_address_lasts_by_the_name_that_it_is_given() {
        let change = (NicParameter::Pause("rx"), "off");
        let remedy = Remedy::nic(Tree::new().root(), "eth2", &[change]);
        assert!(
            remedy.lasting.contains(" NAME==\"eth2\", ") && !remedy.lasting.contains("KERNEL"),
            "{}",
            remedy.lasting
        );
    }
}
