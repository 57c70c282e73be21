//! The name of a new migration, as its file has it.

use heck::ToSnakeCase;

/// A name in snake case: ASCII letters, digits and `_`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name(String);

impl Name {
    /// Makes a name of what somebody has typed: `add email`, `AddEmail` and `add-email` are all `add_email`.
    ///
    /// # Errors
    /// What is no name, and what to type instead.
    pub(crate) fn of(typed: &str) -> Result<Self, String> {
        let is_file = [".sql", ".rs", ".toml"].iter().any(|ending| typed.ends_with(ending));
        if is_file || typed.contains(['/', '\\']) {
            return Err(format!(
                "`{typed}` is the name of a file; give the migration's own, such as `add_email`: its version and its folder are \
                 found for it, or choose the folder with `--folder`"
            ));
        }
        // Systems spell other letters in more than one way, and a name has to be the same on all of them.
        if let Some(other) = typed.chars().find(|c| !c.is_ascii() || c.is_ascii_control()) {
            return Err(format!(
                "the name {typed:?} has the character {other:?}; a name has ASCII letters and digits"
            ));
        }
        match typed.to_snake_case() {
            name if name.is_empty() => Err(format!(
                "`{typed}` has no letter and no digit; name what the migration does, such as `add_email`"
            )),
            name => Ok(Self(name)),
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as words: `add email`.
    pub(crate) fn words(&self) -> String {
        self.0.replace('_', " ")
    }

    /// The name as the sentence that stands at the top of its file: `Add email.`
    pub(crate) fn sentence(&self) -> String {
        let words = self.words();
        let (first, rest) = words.split_at(1);
        format!("{}{rest}.", first.to_ascii_uppercase())
    }

    /// The name as that of a function.
    pub(crate) fn function(&self) -> String {
        let is_name = !self.0.starts_with(|first: char| first.is_ascii_digit());
        if is_name && !KEYWORDS.contains(&self.0.as_str()) {
            return self.0.clone();
        }
        format!("step_{}", self.0)
    }
}

/// The words that are no names in Rust's edition 2024 and those before it, also those that are only kept for later.
const KEYWORDS: [&str; 51] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do", "dyn",
    "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop",
    "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return", "self", "static",
    "struct", "super", "trait", "true", "try", "type", "typeof", "unsafe", "unsized", "use", "virtual",
    "where", "while", "yield",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_typed_becomes_snake_case() {
        for (typed, name) in [
            ("add_email", "add_email"),
            ("add email", "add_email"),
            ("  Add e-mail, to: accounts! ", "add_e_mail_to_accounts"),
            ("AddEmailToHTTPLog", "add_email_to_http_log"),
            ("2fa", "2fa"),
            ("__x__", "x"),
        ] {
            assert_eq!(Name::of(typed).unwrap().as_str(), name, "{typed}");
        }
        assert_eq!(Name::of("AddEmail").unwrap().sentence(), "Add email.");
        assert_eq!(Name::of("2fa").unwrap().sentence(), "2fa.");
    }

    #[test]
    fn a_function_can_be_called_so() {
        for (typed, function) in
            [("add email", "add_email"), ("2fa", "step_2fa"), ("Move", "step_move"), ("typed", "typed")]
        {
            assert_eq!(Name::of(typed).unwrap().function(), function);
        }
    }

    #[test]
    fn what_is_no_name_is_told_so() {
        for (typed, part) in [
            ("", "has no letter"),
            ("--", "has no letter"),
            ("V3__add_email.sql", "is the name of a file"),
            ("users/add_email", "`--folder`"),
            ("straße", "'ß'"),
            ("a\nb", "'\\n'"),
        ] {
            let error = Name::of(typed).expect_err(typed);
            assert!(error.contains(part), "{typed}: {error}");
        }
    }
}
