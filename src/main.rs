//! The program `starttls-lab`; everything it does is in `starttls_lab::cli`.

use std::process::ExitCode;

fn main() -> ExitCode {
    starttls_lab::cli::main()
}
