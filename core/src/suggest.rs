//! "Did you mean": the nearest of the words that would have been right.

/// The known word nearest to `word`, when it is near enough to be a slip of the keyboard and not
/// the word itself.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    // A third of the word may be wrong; a short word may have one slip.
    let allowed = (word.chars().count() / 3).max(1);
    known
        .into_iter()
        .map(|candidate| (distance(&word, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| (1..=allowed).contains(distance))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Slips of the keyboard between two words; one where a part of the longer one is left out.
fn distance(word: &str, candidate: &str) -> usize {
    const LEAST: usize = 3;
    let is_part = |short: &str, long: &str| short.len() >= LEAST && long != short && long.starts_with(short);
    if is_part(word, candidate) || is_part(candidate, word) {
        1
    } else {
        strsim::osa_distance(word, candidate)
    }
}

/// `` `a`, `b` `` for messages that list what exists; long lists are cut.
pub fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    const MOST: usize = 12;
    let mut names: Vec<&str> = names.into_iter().collect();
    names.sort_unstable();
    names.dedup();
    let more = names.len().saturating_sub(MOST);
    names.truncate(MOST);
    let mut text = names.join(", ");
    if more > 0 {
        text.push_str(&format!(" and {more} more"));
    }
    if text.is_empty() { "none".to_owned() } else { text }
}

/// The help line for an unknown word: the nearest one, then all there are.
///
/// `what` names the list, as in "groups in databases.toml".
pub fn help<'a>(word: &str, what: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> String {
    let all = list(known.clone());
    match nearest(word, known) {
        Some(near) => format!("did you mean `{near}`? {what}: {all}"),
        None => format!("{what}: {all}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_near_and_another_word_is_not() {
        let groups = ["users", "tenants", "catalog"];
        assert_eq!(nearest("user", groups), Some("users"));
        assert_eq!(nearest("Uesrs", groups), Some("users"));
        assert_eq!(nearest("catalogue", groups), Some("catalog"));
        assert_eq!(nearest("orders", groups), None);
        assert_eq!(nearest("shard", ["shard_id"]), Some("shard_id"));
        assert_eq!(nearest("users", ["users"]), None, "that is no other word");
    }

    #[test]
    fn long_lists_are_cut() {
        let names: Vec<String> = (0..20).map(|n| format!("users_{n:02}")).collect();
        let text = list(names.iter().map(String::as_str));
        assert!(text.ends_with("users_11 and 8 more"), "{text}");
        assert_eq!(list([]), "none");
    }
}
