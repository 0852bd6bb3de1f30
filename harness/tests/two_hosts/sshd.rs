//! The real ssh: a server on the other host, with keys made for the test.

use std::{
    env, fs,
    net::{SocketAddr, TcpStream},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use crate::{
    hosts::{Hosts, add_address, cable},
    support::{Ended, has, profiles, wait_until},
};

/// Where the server lies: installed, or unpacked.
fn program() -> Option<PathBuf> {
    let named = env::var_os("TICKCERT_SSHD").map(PathBuf::from);
    let found = named.or_else(|| Some("/usr/sbin/sshd".into())).filter(|path| path.is_file());
    if found.is_none() {
        println!("SKIPPED: runs over ssh need sshd (openssh-server, or TICKCERT_SSHD with its path)");
    }
    found
}

const ADDRESS: &str = "203.0.113.2";
/// Gives the server the user that it wants, in mounts of its own.
const SERVE: &str = r#"
cp /etc/passwd "$1/passwd" && grep -q '^sshd:' "$1/passwd" || echo 'sshd:x:65534:65534::/:/bin/false' >>"$1/passwd"
mount --bind "$1/passwd" /etc/passwd && mkdir -p /run/sshd && exec "$2" -D -e -f "$1/config"
"#;

/// Dropping it ends it.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn key(path: &Path) {
    let made = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(path).status().unwrap();
    assert!(made.success());
}

/// A server on the other host, over a cable for that alone, which lets in whoever has the key `user`.
fn serve(hosts: &Hosts, sshd: &Path) -> Server {
    cable(&hosts.exchange, "office0", &hosts.trader, "office1");
    hosts.exchange.run(|| add_address("office0", "203.0.113.1")).unwrap();
    hosts.trader.run(|| add_address("office1", ADDRESS)).unwrap();
    for name in ["host", "user", "stranger"] {
        key(&hosts.home.path(name));
    }
    let folder = hosts.home.path("").display().to_string();
    let known = fs::read_to_string(hosts.home.path("host.pub")).unwrap();
    hosts.home.write("known", format!("{ADDRESS} {known}"));
    let authorized = hosts.home.write("authorized", fs::read_to_string(hosts.home.path("user.pub")).unwrap());
    fs::set_permissions(authorized, fs::Permissions::from_mode(0o600)).unwrap();
    hosts.home.write(
        "config",
        format!(
            "ListenAddress {ADDRESS}\nHostKey {folder}/host\nAuthorizedKeysFile {folder}/authorized\nStrictModes no\nUsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin prohibit-password\nPidFile none\n"
        ),
    );
    let mut command = Command::new("unshare");
    command.args(["-m", "sh", "-c", SERVE, "sh", &folder]).arg(sshd).stdin(Stdio::null());
    command.stderr(fs::File::create(hosts.home.path("sshd.log")).unwrap());
    let server = Server(hosts.trader.run(|| command.spawn().unwrap()).unwrap());
    let address: SocketAddr = format!("{ADDRESS}:22").parse().unwrap();
    hosts.exchange.run(|| wait_until("the server listens", || TcpStream::connect(address).is_ok())).unwrap();
    server
}

/// `tickcert run service-time` through it, with such a key.
fn arguments(hosts: &Hosts, user: &str) -> Vec<String> {
    let mut arguments: Vec<String> = hosts.arguments();
    arguments[1] = format!("root@{ADDRESS}");
    arguments.drain(4..6);
    let path = |name: &str| hosts.home.path(name).display().to_string();
    let (user, known) = (path(user), path("known"));
    for option in [
        format!("IdentityFile={user}"),
        "IdentitiesOnly=yes".to_owned(),
        format!("UserKnownHostsFile={known}"),
        "GlobalKnownHostsFile=/dev/null".to_owned(),
    ] {
        arguments.extend(["--ssh-option".to_owned(), option]);
    }
    arguments
}

#[test]
fn over_ssh_with_a_key_of_ones_own_a_run_goes_well_and_a_strangers_key_or_host_is_refused() {
    if !has("ssh") || !has("ssh-keygen") || !has("unshare") {
        return;
    }
    let Some(sshd) = program() else { return };
    let Some(hosts) = Hosts::new() else { return };
    let _server = serve(&hosts, &sshd);
    hosts.home.write("p.toml", profiles::once());
    let certify = |user: &str, out: &str| {
        let mut command = hosts.command(&["certify", "--profile", "./p.toml", "--out", out], false);
        command.args(arguments(&hosts, user));
        hosts.exchange.run(|| Ended::of(&mut command)).unwrap()
    };
    let log = || fs::read_to_string(hosts.home.path("sshd.log")).unwrap();
    let ended = certify("user", "out");
    assert_eq!(ended.status, Some(0), "{ended:?}\n{}", log());
    hosts.assert_nothing_is_left();
    certify("stranger", "stranger-out").refused(4, &["refuses the login", "IdentityFile"]);
    hosts.home.write("known", "");
    certify("user", "unknown-out").refused(4, &["is not known to ssh", "ssh root@203.0.113.2"]);
    hosts.assert_nothing_is_left();
}
