//! Changes to a text that keep most of it: words are swapped, doubled, repeated without end, taken from elsewhere in
//! the text, from the reference set, or from a list of what is special to this crate.

use std::sync::LazyLock;

use fastrand::Rng;

use crate::project::{MARK, REFERENCE};

/// What opens, closes, ends or nests something, and words that the formats give a meaning.
const SPECIAL: [&str; 88] = [
    "'",
    "\"",
    "$$",
    "$a$",
    "/*",
    "*/",
    "--",
    ";",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ".",
    "..",
    "=",
    "\\",
    "\n",
    "\r\n",
    "\t",
    "\0",
    "\u{feff}",
    "é",
    "𝕏",
    "\u{2028}",
    "E'\\'",
    "U&\"",
    "B'",
    "::",
    "${",
    "${shard_id}",
    "${SHOP_USER:-a}",
    "{01..04}",
    "{1..2}",
    "{4..1}",
    "{0..9999}",
    "0",
    "1",
    "99999999999999999999",
    "-1",
    "-- #[",
    "#[route(everywhere)]",
    "-- #[route(group = \"users\")]\n",
    "-- #[route(database = \"default\")]\n",
    "-- #[vars(shard_id)]\n",
    "-- #[no_transaction]\n",
    "-- #[touches(account)]\n",
    "any(",
    "all(",
    "not(",
    "group = \"users\"",
    "label = \"eu\"",
    "database = \"default\"",
    "everywhere",
    "lock_timeout = \"2s\"",
    "no-transaction",
    "BEGIN",
    "COMMIT",
    "END",
    "CASE",
    "NOT",
    "IF EXISTS",
    "IF NOT EXISTS",
    "CONCURRENTLY",
    "DO $$ BEGIN ",
    " END $$;",
    "LANGUAGE plpgsql",
    "AS $$",
    "BEGIN ATOMIC",
    "COPY a FROM stdin;",
    "\\.",
    "CREATE TABLE ",
    "ALTER TABLE ",
    "DROP TABLE ",
    "CREATE VIEW ",
    "CREATE SCHEMA ",
    "RENAME TO ",
    "SET SCHEMA ",
    "SET search_path = ",
    "CASCADE",
    "REFERENCES ",
    "[databases.x]\n",
    "[groups.users]\n",
    "[routes]\n",
    "replica_of = ",
    "url = ",
];

/// Names that an input may give its files.
const PATHS: [&str; 12] = [
    "databases.toml",
    "V1__start.sql",
    "V2__input.sql",
    "V2__input.down.sql",
    "V3__more.sql",
    "U3__late.sql",
    "catalog/V3__more.sql",
    "users/4_other.sql",
    "2026-01-01-000000_diesel/up.sql",
    "2026-01-01-000000_diesel/down.sql",
    "2026-01-01-000000_diesel/metadata.toml",
    "V9223372036854775808__much.sql",
];

/// The reference set's files as texts.
static TEXTS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let databases = std::iter::once(&REFERENCE.databases_bytes);
    let files = REFERENCE.files.iter().map(|(_, bytes)| bytes).chain(databases);
    files.map(|bytes| String::from_utf8_lossy(bytes).into_owned()).collect()
});

/// What is repeated is not longer than this, in bytes: an input has less room, and a word may be all of it.
const LONGEST: usize = 1 << 16;

/// Changes the first `size` bytes of a buffer, and says how many there are now.
///
/// One change in three is left to libFuzzer, which knows the values that comparisons have asked for.
pub fn mutate(data: &mut [u8], size: usize, max_size: usize, seed: u32, has_files: bool) -> usize {
    let mut rng = Rng::with_seed(seed.into());
    if rng.u8(0..3) == 0 {
        return libfuzzer_sys::fuzzer_mutate(data, size, max_size);
    }
    let mut text = String::from_utf8_lossy(&data[..size]).into_owned();
    for _ in 0..rng.usize(1..4) {
        text = changed(&text, &mut rng, has_files);
    }
    let bytes = text.as_bytes();
    let size = bytes.len().min(max_size).min(data.len());
    data[..size].copy_from_slice(&bytes[..size]);
    size
}

fn changed(text: &str, rng: &mut Rng, has_files: bool) -> String {
    let mut words = words(text);
    let at = rng.usize(0..=words.len());
    let there = at.min(words.len().saturating_sub(1));
    match rng.u8(0..11) {
        0 if !words.is_empty() => {
            words.remove(there);
        }
        1 if !words.is_empty() => {
            let other = rng.usize(0..words.len());
            words.swap(there, other);
        }
        2 if !words.is_empty() => {
            let word = words[rng.usize(0..words.len())];
            words.insert(at, word);
        }
        3 => words.insert(at, pick(rng, &SPECIAL)),
        4 if !words.is_empty() => words[there] = pick(rng, &SPECIAL),
        // The same again and again: what a reader that calls itself runs out of stack on.
        5 if !words.is_empty() => {
            let length = rng.usize(1..5).min(words.len() - there);
            let repeated = &words[there..there + length];
            let bytes: usize = repeated.iter().map(|word| word.len()).sum();
            let repeated = repeated.repeat((1_usize << rng.u32(1..12)).min(1 + LONGEST / bytes.max(1)));
            words.splice(at..at, repeated);
        }
        6 => return lines(text, rng),
        7 => return format!("{}{}{}", words[..at].concat(), part(rng), words[at..].concat()),
        8 if has_files => return format!("{text}\n{MARK}{}\n{}", pick(rng, &PATHS), whole(rng)),
        9 if !words.is_empty() => {
            let end = rng.usize(there..words.len());
            words.drain(there..end);
        }
        // A text of the set in the place of all.
        10 if rng.u8(0..8) == 0 => return whole(rng).to_owned(),
        _ => {
            let word = pick(rng, &words);
            words.insert(at, word);
        }
    }
    words.concat()
}

/// A line is moved, doubled or taken away.
fn lines(text: &str, rng: &mut Rng) -> String {
    let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
    if lines.is_empty() {
        return String::new();
    }
    let at = rng.usize(0..lines.len());
    let line = lines[at];
    if rng.bool() {
        lines.remove(at);
    }
    if rng.u8(0..3) > 0 {
        lines.insert(rng.usize(0..=lines.len()), line);
    }
    lines.concat()
}

/// Some lines of the reference set.
fn part(rng: &mut Rng) -> String {
    let lines: Vec<&str> = whole(rng).split_inclusive('\n').collect();
    let from = rng.usize(0..=lines.len());
    let most = (lines.len() - from).min(12);
    lines[from..from + rng.usize(0..=most)].concat()
}

fn whole(rng: &mut Rng) -> &'static str {
    TEXTS.get(rng.usize(0..TEXTS.len().max(1))).map_or("", String::as_str)
}

fn pick<'a>(rng: &mut Rng, from: &[&'a str]) -> &'a str {
    if from.is_empty() { "" } else { from[rng.usize(0..from.len())] }
}

/// Words, runs of white space and single signs.
fn words(text: &str) -> Vec<&str> {
    let class = |c: char| match c {
        c if c.is_alphanumeric() || c == '_' => 1,
        c if c.is_whitespace() => 2,
        _ => 3,
    };
    let mut words = Vec::new();
    let mut start = 0;
    let mut last = 0;
    for (at, c) in text.char_indices() {
        if at > start && (class(c) != last || last == 3) {
            words.push(&text[start..at]);
            start = at;
        }
        last = class(c);
    }
    words.extend((start < text.len()).then(|| &text[start..]));
    words
}
