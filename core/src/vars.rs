//! `${name}` in the SQL of a migration that declares `vars(name)`, replaced for each database.

use std::borrow::Cow;

use crate::{Migration, Script, Text, topology::Database};

/// A text with its variables replaced, and the way back to the text as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expanded<'a> {
    /// The text to run.
    pub text: Cow<'a, str>,
    /// For each replacement: its start and end in the expanded text, and its end in the source.
    replaced: Vec<(usize, usize, usize)>,
}

/// A declared variable that a database has no value for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "database `{database}` has no value for the variable `{name}`: add it to its `vars` in databases.toml"
)]
pub struct MissingVar {
    /// The variable.
    pub name: String,
    /// The database.
    pub database: String,
}

/// Replaces every `${name}` whose name is declared; any other `${..}` is left alone.
pub fn expand<'a>(sql: &'a str, declared: &[Text], database: &Database) -> Result<Expanded<'a>, MissingVar> {
    let mut text = String::new();
    let mut replaced = Vec::new();
    let mut copied = 0;
    let mut from = 0;
    while let Some(start) = sql[from..].find("${").map(|at| from + at) {
        from = start + 2;
        let Some(end) = sql[from..].find('}').map(|at| from + at) else { break };
        let name = &sql[from..end];
        if !declared.iter().any(|declared| declared == name) {
            continue;
        }
        let Some(value) = database.var(name) else {
            return Err(MissingVar { name: name.into(), database: database.name.to_string() });
        };
        text.push_str(&sql[copied..start]);
        let begin = text.len();
        text.push_str(value);
        copied = end + 1;
        from = copied;
        replaced.push((begin, text.len(), copied));
    }
    if replaced.is_empty() {
        return Ok(Expanded { text: Cow::Borrowed(sql), replaced });
    }
    text.push_str(&sql[copied..]);
    Ok(Expanded { text: Cow::Owned(text), replaced })
}

impl Migration {
    /// Its text as a database gets it: with the database's variables filled in. What is written in Rust stays as it is.
    pub fn sql_for(&self, database: &Database) -> Result<Cow<'_, str>, MissingVar> {
        if self.code.is_some() {
            return Ok(Cow::Borrowed(&self.sql));
        }
        self.forward().sql_for(database)
    }
}

impl<'m> Script<'m> {
    /// Its text as a database gets it, where it is SQL: with the database's variables filled in.
    pub fn sql_for(&self, database: &Database) -> Result<Cow<'m, str>, MissingVar> {
        Ok(expand(self.sql, self.vars, database)?.text)
    }
}

impl Expanded<'_> {
    /// The byte of the source that became a byte of the expanded text. Inside a value it is the
    /// end of the `${name}` it stands for.
    pub fn source_offset(&self, offset: usize) -> usize {
        match self.replaced.iter().rev().find(|(start, ..)| *start <= offset) {
            None => offset,
            Some((_, end, source_end)) => source_end + offset.saturating_sub(*end),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topology::tests::database;

    fn shard() -> Database {
        let vars: Vec<(Text, Text)> =
            vec![("shard_id".into(), "17".into()), ("x".into(), String::new().into())];
        Database { vars: vars.into(), ..database("users_17", None, &[]) }
    }

    #[test]
    fn only_declared_variables_are_replaced() {
        let declared = ["shard_id".into(), "x".into()];
        let text = |sql| expand(sql, &declared, &shard()).unwrap().text.into_owned();
        assert_eq!(text("select ${shard_id}, '${shard_id}${x}'"), "select 17, '17'");
        assert_eq!(text("select '${other} ${shard_id}'"), "select '${other} 17'");
        assert_eq!(text("select '${shard_id'"), "select '${shard_id'");
        assert_eq!(text("${${shard_id}}"), "${17}");
        assert!(matches!(expand("select 1", &declared, &shard()).unwrap().text, Cow::Borrowed(_)));
    }

    #[test]
    fn a_missing_value_is_an_error() {
        let declared = ["region".into()];
        let error = expand("select '${region}'", &declared, &shard()).unwrap_err();
        assert!(error.to_string().contains("`users_17` has no value for the variable `region`"));
    }

    #[test]
    fn positions_lead_back_to_the_source() {
        let sql = "a ${shard_id} b ${shard_id} c";
        let expanded = expand(sql, &["shard_id".into()], &shard()).unwrap();
        assert_eq!(expanded.text, "a 17 b 17 c");
        for letter in ["a", "b", "c"] {
            let offset = expanded.text.find(letter).unwrap();
            assert_eq!(expanded.source_offset(offset), sql.find(letter).unwrap(), "{letter}");
        }
    }
}
