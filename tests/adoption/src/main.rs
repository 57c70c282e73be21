//! `peer`, with refinery as it comes: its versions have four bytes.

use std::process::ExitCode;

fn main() -> ExitCode {
    peer::main()
}
