//! What is printed for programs, compared with the schema that is published for them.

use std::sync::LazyLock;

use jsonschema::Validator;
use serde_json::Value;

static SCHEMA: LazyLock<Validator> = LazyLock::new(|| {
    let schema = include_str!("../../../docs/json-schema.json");
    jsonschema::validator_for(&serde_json::from_str(schema).unwrap()).unwrap()
});

/// The one document of a verb.
pub(crate) fn document(out: &str) -> Value {
    let value = serde_json::from_str(out).unwrap_or_else(|_| panic!("not JSON: {out}"));
    assert!(SCHEMA.is_valid(&value), "{value:#}\n{:#?}", SCHEMA.validate(&value));
    value
}

/// The events of a run.
pub(crate) fn lines(out: &str) -> Vec<Value> {
    out.lines().map(document).collect()
}
