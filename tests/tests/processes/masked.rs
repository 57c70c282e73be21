//! Texts without what is another thing each time.

/// Times are `<time>`, with what is between two of them, in front of them, and where it took long: `(2 ms)`,
/// `(2 ms..20 ms)` and `(2 ms..1.20 s on users_01)` are all `(<time>)`.
pub(crate) fn masked(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(line).collect();
    lines.join("\n") + if text.ends_with('\n') { "\n" } else { "" }
}

fn line(line: &str) -> String {
    let mut masked = String::new();
    let mut rest = line;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let word = masked.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let before = &rest[..start];
        let is_in_word =
            before.ends_with(|c: char| c.is_alphanumeric() || c == '_') || (before.is_empty() && word);
        let (number, behind) = after_time(&rest[start..]);
        match behind {
            Some(behind) if !is_in_word => {
                masked.push_str(before.trim_end_matches(' '));
                if before.ends_with(' ') {
                    masked.push(' ');
                }
                masked.push_str("<time>");
                rest = behind;
            }
            _ => {
                masked.push_str(&rest[..start + number]);
                rest = &rest[start + number..];
            }
        }
    }
    let masked = (masked + rest).replace("<time>..<time>", "<time>");
    match masked.split_once("<time> on ") {
        Some((before, behind)) => format!("{before}<time>{}", &behind[behind.find(')').unwrap_or(0)..]),
        None => masked,
    }
}

/// How long the number is, and what is behind the time that begins with it, if one does.
fn after_time(text: &str) -> (usize, Option<&str>) {
    let is_part = |c: char| c.is_ascii_digit() || c == '.';
    let number = text.find(|c| !is_part(c)).unwrap_or(text.len());
    // `2 ms..1.20 s`: the dots are no part of a number.
    let behind = &text[number..];
    for unit in [" min ", " h "] {
        if let Some(seconds) = behind.strip_prefix(unit) {
            return (number, after_time(seconds).1);
        }
    }
    let units = [" ms", " min", " s"];
    let is_whole = |rest: &&str| !rest.starts_with(|c: char| c.is_alphanumeric());
    (number, units.iter().filter_map(|unit| behind.strip_prefix(unit)).find(is_whole))
}

#[test]
fn times_are_masked() {
    for (text, expected) in [
        ("  applied 1 a (3 ms)", "  applied 1 a (<time>)"),
        ("  applied 1 a (3 ms..20 ms)", "  applied 1 a (<time>)"),
        ("  applied 1 a (3 ms..1.20 s on users_01)", "  applied 1 a (<time>)"),
        ("  users_01     0.3 s  2 b", "  users_01 <time>  2 b"),
        ("2/3 databases, 12 s, 4/6 migrations", "2/3 databases, <time>, 4/6 migrations"),
        ("in 1 min 12 s; 2 failed", "in <time>; 2 failed"),
        ("1 migration, 3 shards", "1 migration, 3 shards"),
    ] {
        assert_eq!(masked(text), expected);
    }
}
