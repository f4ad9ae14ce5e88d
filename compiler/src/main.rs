//! The `s2c` program.

fn main() -> std::process::ExitCode {
    s2c::cli::main()
}
