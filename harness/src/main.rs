//! The `tickcert` command.

fn main() -> std::process::ExitCode {
    tickcert::cli::main()
}
