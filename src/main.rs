//! The program `starttls-lab`; everything it does is in `starttls_lab::internal::cli`.

use std::process::ExitCode;

fn main() -> ExitCode {
    starttls_lab::internal::cli::main()
}
