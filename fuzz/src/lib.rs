//! What the fuzz targets share: how bytes become a project, what must hold of any project, and how an input is
//! changed so that it stays close to what people write.

pub mod law;
pub mod mutate;
pub mod project;
pub mod story;

use std::thread;

/// libFuzzer's bytes as a text: what is no UTF-8 is met by the targets that read whole files.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Shows the panics of this thread only, which are those that libFuzzer reports: what the parser does on the thread
/// that reads SQL is caught there on purpose, and comes back as a diagnostic.
pub fn show_own_panics() {
    let own = thread::current().id();
    std::panic::set_hook(Box::new(move |panic| {
        if thread::current().id() == own {
            eprintln!("{panic}");
        }
    }));
}

/// Writes an input to the file that `FUZZ_RUNNING` names. A stack that overflows takes the process down before
/// libFuzzer can save the input.
pub fn remember(bytes: &[u8]) {
    if let Some(path) = std::env::var_os("FUZZ_RUNNING") {
        let _not_saved = std::fs::write(path, bytes);
    }
}
