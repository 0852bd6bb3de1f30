//! The command line.

mod args;
mod certify;
mod crew_args;
mod doctor;
mod endpoint;
mod exit;
mod handoffs;
mod history;
mod lanes;
mod matrix;
pub(crate) mod out;
mod places;
mod probe;
mod run;
mod run_args;
mod run_handoff;
mod run_handoff_args;
mod run_rate;
pub(crate) mod start;
mod ticks;
mod verify;
mod wire_args;
mod wired;

use std::process::ExitCode;

use args::{Args, Command};
use clap::{CommandFactory, Parser};
pub use exit::{Failure, Outcome};
pub(crate) use {args::SelftestArgs, lanes::Preflight};

/// Parses the command line and does what it says.
#[must_use]
pub fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        // Help and version are no errors; wrong use is status 2.
        Err(e) => {
            let _ = e.print();
            return ExitCode::from(if e.use_stderr() { 2 } else { 0 });
        }
    };
    match dispatch(args) {
        Ok(Outcome(status)) => ExitCode::from(status),
        Err(failure) => failure.report(),
    }
}

fn dispatch(args: Args) -> Result<Outcome, Failure> {
    match args.command {
        Command::Certify(args) => certify::main(&args),
        Command::Run(args) => run::main(&args),
        Command::Matrix(args) => matrix::main(args),
        Command::Lanes(args) => lanes::main(&args),
        Command::Handoffs(args) => handoffs::main(&args),
        Command::Doctor(args) => doctor::main(&args),
        Command::Probe(args) => probe::main(&args),
        Command::Selftest(args) => crate::selftest::main(&args),
        Command::Compare(args) => history::compare(&args),
        Command::History(args) => history::main(&args),
        Command::Report(args) => history::report(&args),
        Command::Verify(args) => verify::main(&args),
        Command::Clean(args) => verify::clean(&args),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Args::command(), "tickcert", &mut script);
            out::print(String::from_utf8_lossy(&script))?;
            Ok(Outcome::OK)
        }
        Command::Endpoint(args) => endpoint::main(&args),
        Command::Bench(args) => run::bench(&args),
    }
}
