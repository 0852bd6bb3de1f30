//! A bench without root. A program of its own and not a test among others, because a user namespace has to be made
//! before any thread is started.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test program that has no test harness around it")]

use std::{
    env,
    os::unix::process::CommandExt,
    path::Path,
    process::{Command, ExitCode},
};

use tickcert::bench::{
    Bench, BenchSpec,
    netlink::Connection,
    netns,
    user_namespace::{self, Privilege},
};

const NAME: &str = "an_ordinary_user_gets_a_bench_in_a_user_namespace_or_the_reason_why_not";
const CHILD: &str = "TICKCERT_TEST_ORDINARY_USER";
const ENDPOINT: &str = "TICKCERT_TEST_ENDPOINT";
/// `nobody`
const ORDINARY: u32 = 65_534;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().collect();
    if arguments.iter().any(|a| a == "--list") {
        println!("{NAME}: test");
        return ExitCode::SUCCESS;
    }
    if let Some(namespace) = env::var_os(ENDPOINT) {
        netns::enter(Path::new(&namespace)).unwrap();
        let interface = Connection::open().unwrap().interface(arguments.last().unwrap()).unwrap();
        assert!(interface.carrier);
        return ExitCode::SUCCESS;
    }
    if env::var_os(CHILD).is_some() {
        return as_ordinary_user();
    }
    let mut child = Command::new(env::current_exe().unwrap());
    child.env(CHILD, "1").current_dir("/");
    if user_namespace::present() == Some(Privilege::Host) {
        child.uid(ORDINARY).gid(ORDINARY).env_remove("XDG_RUNTIME_DIR");
    }
    match child.status() {
        Ok(status) if status.success() => {
            println!("test {NAME} ... ok");
            ExitCode::SUCCESS
        }
        Err(e) if e.kind() == std::io::ErrorKind::PermissionDenied => {
            println!("SKIPPED: an ordinary user can't run this program where it is: {e}");
            ExitCode::SUCCESS
        }
        other => {
            println!("test {NAME} ... FAILED ({other:?})");
            ExitCode::FAILURE
        }
    }
}

fn as_ordinary_user() -> ExitCode {
    assert_eq!(user_namespace::present(), None, "an ordinary user has no privilege to begin with");
    match user_namespace::enter() {
        Err(unmet) => {
            assert!(!unmet.needs.is_empty() && !unmet.how.is_empty());
            println!("SKIPPED: {unmet}");
            return ExitCode::SUCCESS;
        }
        Ok(privilege) => assert_eq!(privilege, Privilege::UserNamespace),
    }
    assert!(!user_namespace::can_force_buffers());
    let dir = tempfile::tempdir().unwrap();
    let bench = Bench::set_up(&BenchSpec { run_dir: dir.path().join("run"), ..BenchSpec::default() }).unwrap();
    // An endpoint is another process of the same user.
    let mut endpoint = Command::new(env::current_exe().unwrap());
    let status = endpoint.env(ENDPOINT, &bench.trader_netns).args([&bench.link.trader_interface]).status().unwrap();
    assert!(status.success());
    bench.take_down().unwrap();
    ExitCode::SUCCESS
}
