//! The script that sets what is wrong, run on trees of other hosts: it sets it, and sets it back byte for byte.

#[cfg(test)]
#[path = "support/tree.rs"]
mod tree;

#[cfg(test)]
mod tests {
    use std::{
        collections::BTreeMap,
        fs,
        path::{Path, PathBuf},
        process::{Command, Output},
    };

    use tempfile::TempDir;
    use tickcert_probes::audit::{
        End, Finding, Scope, findings,
        script::{WrittenFor, script},
    };

    use crate::tree::tree;

    struct Host {
        tree: TempDir,
        scope: Scope,
        work: TempDir,
    }

    impl Host {
        fn new(name: &str, ends: [(u32, &str); 2]) -> Self {
            let end = |(core, interface): (u32, &str)| End {
                name: format!("end {core}"),
                core,
                interface: Some(interface.to_owned()),
                memory: None,
            };
            let scope = Scope { ends: ends.map(end).into(), ..Scope::default() };
            let host = Self { tree: tree(name), scope, work: tempfile::tempdir().unwrap() };
            fs::write(host.script(), script(&host.findings(), &host.of())).unwrap();
            host
        }

        fn all() -> [Self; 3] {
            [
                Self::new("intel-e810", [(2, "eth2"), (20, "eth3")]),
                Self::new("epyc-connectx", [(8, "enp193s0f0np0"), (9, "enp193s0f1np0")]),
                Self::new("x2522", [(6, "eth4"), (7, "eth5")]),
            ]
        }

        fn root(&self) -> &Path {
            self.tree.path()
        }

        fn findings(&self) -> Vec<Finding> {
            findings(self.root(), &self.scope)
        }

        fn of(&self) -> WrittenFor {
            WrittenFor::read(self.root())
        }

        fn put(&self, file: &str, text: &str) {
            let path = self.root().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }

        /// Writes the script anew, under the same name.
        fn write(&self) {
            fs::write(self.script(), script(&self.findings(), &self.of())).unwrap();
        }

        fn script(&self) -> PathBuf {
            self.work.path().join("fix.sh")
        }

        fn state(&self) -> PathBuf {
            self.work.path().join("state")
        }

        /// Runs the script with programs that know the tree instead of the running host's.
        fn run(&self, arguments: &[&str]) -> Output {
            let bin = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/bin");
            let own = self.work.path().display();
            let path = format!("{own}:{}:{}", bin.display(), std::env::var("PATH").unwrap());
            let mut command = Command::new("bash");
            command.arg(self.script()).args(arguments).env("PATH", path);
            command.env("ROOT", self.root()).env("RUN", "yes").env("STATE", self.state()).output().unwrap()
        }

        fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
            let mut found = BTreeMap::new();
            let mut folders = vec![self.root().to_owned()];
            while let Some(folder) = folders.pop() {
                for entry in fs::read_dir(folder).unwrap() {
                    let entry = entry.unwrap();
                    let kind = entry.file_type().unwrap();
                    if kind.is_dir() {
                        found.insert(entry.path(), Vec::new());
                        folders.push(entry.path());
                    } else if kind.is_file() {
                        found.insert(entry.path(), fs::read(entry.path()).unwrap());
                    }
                }
            }
            found
        }
    }

    fn well(output: &Output) {
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    }

    /// What a kernel would have to follow up: a sibling off line leaves the list, an interrupt moves when it next comes.
    const FOLLOWED_UP_BY_THE_KERNEL: [&str; 3] = ["smt-sibling", "irqs", "huge-pages"];

    #[test]
    fn applying_sets_what_a_script_can() {
        for host in Host::all() {
            well(&host.run(&["apply"]));
            for Finding { setting, steps, .. } in host.findings() {
                let kernel = FOLLOWED_UP_BY_THE_KERNEL.iter().any(|what| setting.name.ends_with(what));
                assert!(setting.ok || steps.is_empty() || kernel, "{setting:?}");
            }
        }
    }

    #[test]
    fn undoing_restores_every_file_byte_for_byte_and_forgets_what_was_recorded() {
        for host in Host::all() {
            let before = host.files();
            well(&host.run(&["apply"]));
            assert_ne!(host.files(), before);
            well(&host.run(&["undo"]));
            assert_eq!(host.files(), before);
            assert!(!host.state().exists());
        }
    }

    #[test]
    fn applying_twice_does_not_lose_the_values_before_the_first_time() {
        for host in Host::all() {
            let before = host.files();
            well(&host.run(&["apply"]));
            well(&host.run(&["apply"]));
            well(&host.run(&["undo"]));
            assert_eq!(host.files(), before);
        }
    }

    #[test]
    fn what_cannot_be_set_is_named_and_the_rest_is_set_and_set_back() {
        let [host, ..] = Host::all();
        let gone = host.root().join("proc/sys/kernel/numa_balancing");
        fs::remove_file(&gone).unwrap();
        let before = host.files();
        let applied = host.run(&["apply"]);
        assert_eq!(applied.status.code(), Some(1));
        let said = String::from_utf8(applied.stderr).unwrap();
        assert_eq!(said, "not done: /proc/sys/kernel/numa_balancing isn't there\n");
        assert_eq!(fs::read_to_string(host.root().join("proc/sys/kernel/nmi_watchdog")).unwrap(), "0\n");
        well(&host.run(&["undo"]));
        assert_eq!(host.files(), before);
    }

    #[test]
    fn in_a_copy_of_a_tree_no_program_is_run_unless_that_is_asked_for() {
        let [host, ..] = Host::all();
        let mut command = Command::new("bash");
        command.arg(host.script()).arg("apply").env("ROOT", host.root()).env("STATE", host.state()).env_remove("RUN");
        let output = command.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(said.contains("left out, because ROOT is set: systemctl stop irqbalance"), "{said}");
        assert!(said.contains("left out, because ROOT is set: ethtool -C eth2 adaptive-rx off"), "{said}");
    }

    #[test]
    fn what_takes_a_person_is_said_at_the_end_with_one_command_line_for_the_kernel() {
        let [host, ..] = Host::all();
        let said = String::from_utf8(host.run(&["apply"]).stdout).unwrap();
        let boot = said.lines().find(|line| line.starts_with("left to you: boot with: ")).unwrap();
        for parameter in ["isolcpus=2,20", "nohz_full=2,20", "rcu_nocbs=2,20"] {
            assert_eq!(boot.matches(parameter).count(), 1, "{boot}");
        }
        assert!(said.contains("left to you: mitigations: boot with mitigations=off, on a host that runs"), "{said}");
        assert!(said.contains("left to you: cpu2/smt-sibling: echo 0 > "), "{said}");
        assert!(said.contains("left to you: eth2/pcie-width: another slot"), "{said}");
    }

    #[test]
    fn wrong_use_changes_nothing() {
        let [host, ..] = Host::all();
        let before = host.files();
        for arguments in [&[][..], &["undo", "apply"], &["Apply"]] {
            let output = host.run(arguments);
            assert_eq!(output.status.code(), Some(2));
            assert!(String::from_utf8(output.stderr).unwrap().contains("usage: "));
        }
        well(&host.run(&["undo"]));
        assert_eq!(host.files(), before);
    }

    #[test]
    fn a_later_script_of_the_same_name_leaves_the_earlier_one_its_record_and_its_undo() {
        let [host, ..] = Host::all();
        let before = host.files();
        let in_root = |path: &Path, word: &str| {
            let bin = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/bin");
            let path_var = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
            let mut command = Command::new("bash");
            command.arg(path).arg(word).env("PATH", path_var).env("ROOT", host.root()).env("RUN", "yes");
            command.env_remove("STATE").output().unwrap()
        };
        well(&in_root(&host.script(), "apply"));
        // Somebody has set one thing back by hand, and has a script written for that.
        host.put("proc/sys/kernel/numa_balancing", "1\n");
        host.write();
        let applied = in_root(&host.script(), "apply");
        well(&applied);
        let said = String::from_utf8(applied.stdout).unwrap();
        let line = said.lines().find(|line| line.contains("still recorded")).unwrap_or_else(|| panic!("{said}"));
        let earlier = line.rsplit_once("bash ").unwrap().1.strip_suffix(" undo").unwrap();
        well(&in_root(&host.script(), "undo"));
        well(&in_root(Path::new(earlier), "undo"));
        let records = host.root().join("run");
        assert_eq!(fs::read_dir(records.join("tickcert")).unwrap().count(), 0);
        fs::remove_dir_all(records).unwrap();
        assert_eq!(host.files(), before);
    }

    #[test]
    fn what_a_file_makes_of_a_value_is_read_back_and_told_if_it_is_another() {
        let [host, ..] = Host::all();
        // A file that takes everything and keeps nothing.
        let file = host.root().join("proc/sys/kernel/numa_balancing");
        fs::remove_file(&file).unwrap();
        std::os::unix::fs::symlink("/dev/null", &file).unwrap();
        let applied = host.run(&["apply"]);
        assert_eq!(applied.status.code(), Some(1));
        let said = String::from_utf8(applied.stderr).unwrap();
        assert!(said.contains("/proc/sys/kernel/numa_balancing was given 0 and shows ;"), "{said}");
    }

    /// A file that takes everything and shows nothing, until the script first waits: then it says `text`.
    fn shows_late(host: &Host, file: &str, text: &str) -> PathBuf {
        let path = host.root().join(file);
        fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink("/dev/null", &path).unwrap();
        let sleep = host.work.path().join("sleep");
        let waits = format!("#!/bin/bash\nrm -f \"$ROOT/{file}\"\nprintf '{text}' >\"$ROOT/{file}\"\n");
        fs::write(&sleep, waits).unwrap();
        fs::set_permissions(&sleep, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        path
    }

    #[test]
    fn a_file_that_shows_the_old_value_for_a_moment_is_looked_at_again() {
        let [host, ..] = Host::all();
        let before = host.files();
        let file = "proc/sys/kernel/numa_balancing";
        let recorded = fs::read(host.root().join(file)).unwrap();
        well(&host.run(&["apply"]));
        let path = shows_late(&host, file, "1\\n");
        well(&host.run(&["undo"]));
        assert_eq!(fs::read(&path).unwrap(), recorded);
        assert_eq!(host.files(), before);
        let path = shows_late(&host, file, "0\\n");
        well(&host.run(&["apply"]));
        assert_eq!(fs::read_to_string(&path).unwrap(), "0\n");
    }

    #[test]
    fn on_another_start_of_the_host_nothing_is_done() {
        let [host, ..] = Host::all();
        host.put("proc/sys/kernel/random/boot_id", "0c1e7b0e\n");
        host.write();
        host.put("proc/sys/kernel/random/boot_id", "another\n");
        let before = host.files();
        let output = host.run(&["apply"]);
        assert_eq!(output.status.code(), Some(2));
        assert!(String::from_utf8(output.stderr).unwrap().contains("written for another start of intel-e810"));
        assert_eq!(host.files(), before);
        host.put("proc/sys/kernel/random/boot_id", "0c1e7b0e\n");
        well(&host.run(&["apply"]));
    }

    #[test]
    fn each_swap_area_is_switched_off_and_on_by_itself_with_its_priority() {
        let [host, ..] = Host::all();
        let heading = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n";
        let areas = "/dev/dm-1 partition 1000444 0 -2\n/swapfile file 2000 0 5\n";
        host.put("proc/swaps", &format!("{heading}{areas}"));
        host.write();
        let text = fs::read_to_string(host.script()).unwrap();
        let steps: Vec<&str> = text.lines().filter(|line| line.contains("swapo")).map(str::trim).collect();
        assert_eq!(steps.len(), 4, "{steps:?}");
        assert!(steps[0].ends_with("'swapoff /dev/dm-1'") && steps[1].ends_with("'swapoff /swapfile'"), "{steps:?}");
        assert!(steps[2].ends_with("'swapon -p 5 /swapfile'") && steps[3].ends_with("'swapon /dev/dm-1'"), "{steps:?}");
        let before = host.files();
        well(&host.run(&["apply"]));
        assert_eq!(fs::read_to_string(host.root().join("proc/swaps")).unwrap(), heading);
        well(&host.run(&["undo"]));
        assert_eq!(host.files(), before);
    }

    #[test]
    fn the_script_is_sound_for_bash_and_for_shellcheck() {
        let shellcheck = Command::new("shellcheck").arg("--version").output().is_ok();
        for host in Host::all() {
            well(&Command::new("bash").arg("-n").arg(host.script()).output().unwrap());
            if shellcheck {
                well(&Command::new("shellcheck").arg(host.script()).output().unwrap());
            }
        }
        if !shellcheck {
            println!("SKIPPED: the script under shellcheck, which is not installed");
        }
    }

    #[test]
    fn a_name_that_a_shell_would_take_for_a_command_is_but_a_name() {
        let name = "e';reboot;'";
        let end = End { name: "exchange".to_owned(), core: 0, interface: Some(name.to_owned()), memory: None };
        let scope = Scope { ends: vec![end], ..Scope::default() };
        let tree = tempfile::tempdir().unwrap();
        let of_it = tree.path().join("ethtool").join(name);
        fs::create_dir_all(&of_it).unwrap();
        fs::write(of_it.join("coalesce"), "rx-usecs: 50\n").unwrap();
        let text = script(
            &findings(tree.path(), &scope),
            &WrittenFor { host: "host\nreboot".to_owned(), ..WrittenFor::default() },
        );
        assert!(text.contains(r" -C 'e'\'';reboot;'\''' rx-usecs rx-usecs 0"), "{text}");
        assert!(!text.lines().any(|line| line.starts_with("reboot")), "{text}");
    }
}
