//! `peer`, with refinery's feature `int8-versions`.

use std::process::ExitCode;

fn main() -> ExitCode {
    peer::main()
}
