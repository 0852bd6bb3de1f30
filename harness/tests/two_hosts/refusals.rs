//! What is refused before anything is measured, each with what to do.

use std::fs;

use crate::{
    hosts::{Hosts, OTHER},
    support::{Home, profiles},
};

#[test]
fn no_host_is_asked_without_interfaces_and_what_means_nothing_without_a_host_is_wrong_use() {
    let home = Home::new();
    let certify = |arguments: &[&str]| home.run(&[&["certify"], arguments].concat());
    certify(&["--trader-host", OTHER]).refused(2, &["no virtual wire reaches another host", "--trader-interface"]);
    certify(&["--trader-program", "x"]).refused(2, &["add --trader-host"]);
    certify(&["--ssh-option", "Port=1"]).refused(2, &["add --trader-host"]);
    let both = ["--exchange-interface", "a0", "--trader-interface", "a0"];
    certify(&[&["--trader-host=-oProxyCommand=x"], &both[..]].concat()).refused(2, &["is no host"]);
}

#[test]
fn an_ssh_that_can_not_get_there_is_explained() {
    let Some(hosts) = Hosts::new() else { return };
    for (script, parts) in [
        (
            "echo 'ssh: Could not resolve hostname other: Name or service not known' >&2; exit 255",
            ["no host other", "ssh other"],
        ),
        ("echo 'root@other: Permission denied (publickey).' >&2; exit 255", ["refuses the login", "key"]),
        ("exec sh -c 'exec /nowhere/tickcert endpoint --agent'", ["no program", "scp"]),
        ("echo \"error: unexpected argument '--agent' found\" >&2; exit 2", ["older", "the same build"]),
        ("echo '{\"tickcert_agent\":\"0.0.1 (abc)\"}'; cat >/dev/null", ["has tickcert 0.0.1 (abc)", "the same build"]),
        ("exit 0", ["ended with status 0", "before it was ready"]),
    ] {
        hosts.ssh_is(&format!("#!/bin/sh\n{script}\n"));
        hosts.certify(&profiles::once()).refused(4, &parts);
        assert!(!hosts.home.path("out").exists());
        hosts.assert_nothing_is_left();
    }
    fs::remove_file(hosts.home.path("ssh")).unwrap();
    hosts.certify(&profiles::once()).refused(4, &["can't be started", "installed"]);
}

#[test]
fn what_a_login_shell_prints_before_the_agent_speaks_is_passed_over() {
    let Some(hosts) = Hosts::new() else { return };
    hosts.ssh_is("#!/bin/sh\necho Welcome; echo '{\"news\": 1}'\nfor last; do :; done\nexec nsenter --net=NETNS sh -c \"$last\"\n");
    hosts.run(&["run", "service-time", "--duration", "20 ms"]).expect(0);
}

#[test]
fn an_interface_or_a_core_that_is_not_there_is_wrong_use_with_those_that_are() {
    let Some(hosts) = Hosts::new() else { return };
    let wrong = |arguments: &[&str], parts: &[&str]| {
        let mut command = hosts.command(&["run", "service-time"], false);
        let mut all = hosts.arguments();
        all.truncate(6);
        command.args(all).args(arguments);
        hosts.exchange.run(|| crate::support::Ended::of(&mut command)).unwrap().refused(2, parts);
    };
    let interfaces = ["--exchange-interface", "left0", "--trader-interface"];
    wrong(&[&interfaces[..], &["nosuch0"]].concat(), &["other: there is no interface nosuch0 here", "right0"]);
    wrong(&[&interfaces[..], &["lo"]].concat(), &["other: lo is the loopback"]);
    wrong(
        &[&interfaces[..], &["right0", "--exchange-core", "0", "--trader-core", "9999"]].concat(),
        &["other: core 9999 doesn't exist"],
    );
    hosts.assert_nothing_is_left();
}

#[test]
fn interfaces_that_are_not_cabled_to_each_other_are_given_back_on_both_hosts_with_what_is_wrong() {
    let Some(hosts) = Hosts::new() else { return };
    crate::hosts::cable(&hosts.exchange, "left1", &hosts.exchange, "left2");
    let mut arguments = hosts.arguments();
    arguments[7] = "left1".to_owned();
    hosts.home.write("p.toml", profiles::once());
    let mut command = hosts.command(&["certify", "--profile", "./p.toml", "--out", "out"], false);
    command.args(arguments);
    hosts.exchange.run(|| crate::support::Ended::of(&mut command)).unwrap().expect(4);
    let row = &hosts.certificate()["not_run"][0];
    assert!(row["how"].as_str().unwrap().contains("no datagram from the other host came to right0"), "{row}");
    hosts.assert_nothing_is_left();
}
