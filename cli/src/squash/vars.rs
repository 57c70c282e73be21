//! What databases have that got other values of variables: the same, with the names of the variables in the place of their
//! values.

use std::collections::BTreeSet;

use sharded_migrations_core::Database;

use super::dump::Dump;

/// The one dump that these come from, each with the values of its database, and the variables whose names are in it.
///
/// # Errors
/// The first statement that does not come from one so.
pub(super) fn written(dumps: &[Dump], databases: &[&Database]) -> Result<(Dump, Vec<String>), String> {
    let [first, others @ ..] = dumps else { return Ok((Dump::default(), Vec::new())) };
    let variables = variables(databases);
    let mut used = BTreeSet::new();
    let mut statements = Vec::new();
    for (index, statement) in first.statements.iter().enumerate() {
        let others = others.iter().map(|dump| dump.statements.get(index).map(String::as_str));
        let texts: Option<Vec<&str>> = std::iter::once(Some(statement.as_str())).chain(others).collect();
        let written = texts.and_then(|texts| one(texts, &variables, &mut used));
        statements.push(written.ok_or_else(|| statement.clone())?);
    }
    let longer = dumps.iter().find_map(|dump| dump.statements.get(first.statements.len()));
    match longer {
        Some(statement) => Err(statement.clone()),
        None => Ok((Dump { statements }, used.into_iter().collect())),
    }
}

/// A variable, with its value on each database.
struct Variable<'d> {
    name: &'d str,
    values: Vec<&'d str>,
}

/// Those that have other values on each.
fn variables<'d>(databases: &[&'d Database]) -> Vec<Variable<'d>> {
    let names: BTreeSet<&str> =
        databases.iter().flat_map(|database| database.vars.iter().map(|(name, _)| name.as_ref())).collect();
    let variable = |name: &'d str| {
        let values = databases.iter().map(|database| database.var(name).filter(|value| !value.is_empty()));
        Some(Variable { name, values: values.collect::<Option<Vec<_>>>()? })
    };
    let differs = |variable: &Variable<'_>| variable.values.windows(2).any(|pair| pair[0] != pair[1]);
    names.into_iter().filter_map(variable).filter(differs).collect()
}

/// One text for all of these.
fn one(mut texts: Vec<&str>, variables: &[Variable<'_>], used: &mut BTreeSet<String>) -> Option<String> {
    let mut written = String::new();
    loop {
        let first = *texts.first()?;
        if texts.iter().all(|text| *text == first) {
            return Some(written + first);
        }
        // The value begins where they begin to differ, or before it: `1` and `12` have the same beginning.
        let shared = texts.iter().map(|text| shared(first, text)).min()?;
        let starts = (0..=shared).rev().filter(|at| first.is_char_boundary(*at));
        let mut places = starts.flat_map(|at| variables.iter().map(move |variable| (at, variable)));
        let (start, variable) = places.find(|(at, variable)| {
            let is_at = |(text, value): (&&str, &&str)| is_value(text, *at, value);
            texts.iter().zip(&variable.values).all(is_at) && (*at > 0 || written.is_empty())
        })?;
        written.push_str(&first[..start]);
        written.push_str(&format!("${{{}}}", variable.name));
        used.insert(variable.name.to_owned());
        texts =
            texts.iter().zip(&variable.values).map(|(text, value)| &text[start + value.len()..]).collect();
    }
}

/// How many bytes two texts have in common at their beginning.
fn shared(one: &str, other: &str) -> usize {
    one.chars().zip(other.chars()).take_while(|(one, other)| one == other).map(|(c, _)| c.len_utf8()).sum()
}

/// Whether a value stands there by itself. A number that is part of a longer one was worked out of something: 70 of 7.
fn is_value(text: &str, at: usize, value: &str) -> bool {
    let is_digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
    let Some(behind) = text[at..].strip_prefix(value) else { return false };
    let is_longer_before = is_digit(value.chars().next()) && is_digit(text[..at].chars().last());
    let is_longer_behind = is_digit(value.chars().last()) && is_digit(behind.chars().next());
    !is_longer_before && !is_longer_behind
}

#[cfg(test)]
mod tests {
    use sharded_migrations_core::compile::inspect;
    use sharded_migrations_core::project::Sources;

    use super::*;

    /// What is written for the statements of three databases.
    fn written_of(dumps: [&[&str]; 3]) -> Result<(String, Vec<String>), String> {
        let toml = "[databases.\"a_{1..3}\"]\nurl = \"sqlite:a{1..3}\"\nvars = { shard = \"{10..12}\", place = \"{1..3}\" }\n";
        let (project, _) = inspect(&Sources { databases_bytes: toml.into(), ..Sources::default() });
        let topology = project.topology.unwrap().topology;
        let databases: Vec<&Database> = topology.primaries().collect();
        let dump = |statements: &[&str]| Dump {
            statements: statements.iter().map(|one| (*one).to_owned()).collect(),
        };
        let (dump, vars) = written(&dumps.map(dump), &databases)?;
        Ok((dump.statements.join("; "), vars))
    }

    #[test]
    fn names_stand_where_values_differ() {
        let ok = |text: &str, vars: &[&str]| {
            Ok((text.to_owned(), vars.iter().map(|one| (*one).to_owned()).collect()))
        };
        assert_eq!(written_of([&["a 10 1"], &["a 10 1"], &["a 10 1"]]), ok("a 10 1", &[]));
        assert_eq!(
            written_of([&["x", "('10' << 4), 7"], &["x", "('11' << 4), 7"], &["x", "('12' << 4), 7"]]),
            ok("x; ('${shard}' << 4), 7", &["shard"])
        );
        assert_eq!(
            written_of([&["é10 1 b_1"], &["é11 1 b_2"], &["é12 1 b_3"]]),
            ok("é${shard} 1 b_${place}", &["place", "shard"])
        );
        assert_eq!(written_of([&[], &[], &[]]), ok("", &[]));
    }

    #[test]
    fn what_was_worked_out_of_a_value_has_no_name() {
        assert_eq!(written_of([&["a", "160"], &["a", "176"], &["a", "192"]]), Err("160".to_owned()));
        assert_eq!(written_of([&["100"], &["110"], &["120"]]), Err("100".to_owned()));
        assert_eq!(written_of([&["x 910"], &["x 911"], &["x 912"]]), Err("x 910".to_owned()));
        assert_eq!(written_of([&["a"], &["a"], &["a", "more"]]), Err("more".to_owned()));
        assert_eq!(written_of([&["a", "b"], &["a"], &["a", "b"]]), Err("b".to_owned()));
    }
}
