//! The program `starttls-lab`.
fn main() {}
