//! Which table a tool keeps its history in: the one that it takes by itself, or the one that it was told to.

use std::fmt;

use super::Tool;

/// A tool, and the table that it keeps in each database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolTable {
    tool: Tool,
    schema: Option<String>,
    name: String,
}

/// What is no name of a table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is not the name of a table: write it as in `history` or `audit.history`, without quotes")]
pub struct InvalidTable {
    given: String,
}

impl ToolTable {
    /// A table that the tool was told to keep, by its name or with the schema that it is in: `history`, `audit.history`.
    ///
    /// PostgreSQL is asked for it as it is written, and where there is none, in lower case: so it reads a name that the tool
    /// does not quote. In SQLite letters count without their case.
    ///
    /// ```
    /// use sharded_migrations::{Tool, ToolTable};
    ///
    /// let history = ToolTable::named(Tool::Refinery, "audit.history")?;
    /// assert_eq!(history.to_string(), "audit.history");
    /// assert!(ToolTable::named(Tool::Refinery, "a.b.c").is_err());
    /// # Ok::<(), sharded_migrations::adopt::InvalidTable>(())
    /// ```
    ///
    /// # Errors
    /// What is no name: something in it is empty, or it has quotes, white space at an end, or more than one point.
    pub fn named(tool: Tool, given: &str) -> Result<Self, InvalidTable> {
        let (schema, name) = match given.split_once('.') {
            Some((schema, name)) => (Some(schema), name),
            None => (None, given),
        };
        let is_name = |part: &str| {
            !part.is_empty()
                && part.trim() == part
                && !part.contains(['"', '.'])
                && !part.contains(char::is_control)
        };
        if is_name(name) && schema.is_none_or(is_name) {
            Ok(Self { tool, schema: schema.map(str::to_owned), name: name.to_owned() })
        } else {
            Err(InvalidTable { given: given.to_owned() })
        }
    }

    /// The tool.
    pub fn tool(&self) -> Tool {
        self.tool
    }

    #[cfg(feature = "adopt")]
    pub(crate) fn schema(&self) -> Option<&str> {
        self.schema.as_deref()
    }

    #[cfg(feature = "adopt")]
    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}

/// The table that it keeps where it is told nothing else.
impl From<Tool> for ToolTable {
    fn from(tool: Tool) -> Self {
        Self { tool, schema: None, name: tool.table().to_owned() }
    }
}

/// The name of the table: `history`, `audit.history`
impl fmt::Display for ToolTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.schema {
            Some(schema) => write!(f, "{schema}.{}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_a_name_and_perhaps_a_schema() {
        for given in ["history", "audit.history", "My History", "Überblick", "_x"] {
            assert_eq!(ToolTable::named(Tool::Sqlx, given).unwrap().to_string(), given);
        }
        for given in ["", ".", "a.", ".a", "a.b.c", "\"a\"", "a.\"b\"", " a", "a. b", "a\0", "a\n"] {
            let error = ToolTable::named(Tool::Sqlx, given).unwrap_err().to_string();
            assert!(error.starts_with(&format!("`{given}` is not the name of a table: ")), "{error}");
        }
        assert_eq!(ToolTable::from(Tool::Sqlx).to_string(), Tool::Sqlx.table());
    }
}
