//! A cpuset of a test's own, where the host lets it make one.

use std::{fs, path::PathBuf, process::Command, thread, time::Duration};

/// A cgroup with some of the cores. Dropping it removes it, once nothing runs in it.
pub(crate) struct Cpuset(PathBuf);

impl Cpuset {
    /// With these cores; says that the test was skipped where there can be none.
    pub(crate) fn make(name: &str, cores: &str) -> Option<Self> {
        let (first, second) = (PathBuf::from("/sys/fs/cgroup/cpuset"), PathBuf::from("/sys/fs/cgroup"));
        let handed_on = || fs::read_to_string(second.join("cgroup.subtree_control")).unwrap_or_default();
        let mount = if first.join("cpuset.cpus").exists() {
            Some(&first)
        } else {
            handed_on().split_whitespace().any(|controller| controller == "cpuset").then_some(&second)
        };
        let set = mount.map(|mount| Self(mount.join(format!("tickcert-{name}-{}", std::process::id()))));
        let made = set.filter(|set| {
            let nodes = || fs::write(set.0.join("cpuset.mems"), "0");
            fs::create_dir(&set.0).is_ok() && nodes().is_ok() && set.narrow(cores)
        });
        if made.is_none() {
            println!(
                "SKIPPED: a cpuset that forbids a core: needs root, and a cgroup whose controller cpuset can be used"
            );
        }
        made
    }

    /// Takes cores from it, or gives some back.
    pub(crate) fn narrow(&self, cores: &str) -> bool {
        fs::write(self.0.join("cpuset.cpus"), cores).is_ok()
    }

    /// A shell in it that becomes the command.
    pub(crate) fn around(&self, command: &Command) -> Command {
        let mut inside = Command::new("sh");
        let procs = self.0.join("cgroup.procs");
        inside
            .args(["-c", "echo $$ > \"$0\" && exec \"$@\""])
            .arg(procs)
            .arg(command.get_program())
            .args(command.get_args());
        for (key, value) in command.get_envs() {
            match value {
                Some(value) => inside.env(key, value),
                None => inside.env_remove(key),
            };
        }
        if let Some(folder) = command.get_current_dir() {
            inside.current_dir(folder);
        }
        inside
    }
}

impl Drop for Cpuset {
    fn drop(&mut self) {
        // Processes that have ended leave it a moment later.
        for _ in 0..100 {
            if fs::remove_dir(&self.0).is_ok() {
                return;
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
}
