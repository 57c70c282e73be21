//! Values that go to a database and come from it.

use std::sync::Arc;

use crate::error::DatabaseError;

/// A value in the place of a parameter.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// `NULL`
    Null,
    /// A truth value; 0 and 1 on SQLite.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// A number.
    Real(f64),
    /// A text. On PostgreSQL it may stand for a value of any type, as in a quoted literal: `2026-01-31`, `{1,2}`.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

/// What may be given as a parameter.
pub trait ToValue {
    /// As a value.
    fn to_value(&self) -> Value;
}

impl ToValue for Value {
    fn to_value(&self) -> Value {
        self.clone()
    }
}

impl<T: ToValue + ?Sized> ToValue for &T {
    fn to_value(&self) -> Value {
        (**self).to_value()
    }
}

impl<T: ToValue> ToValue for Option<T> {
    fn to_value(&self) -> Value {
        self.as_ref().map_or(Value::Null, ToValue::to_value)
    }
}

macro_rules! to_value {
    ($($from:ty => |$value:ident| $to:expr;)*) => {$(
        impl ToValue for $from {
            fn to_value(&self) -> Value {
                let $value = self;
                $to
            }
        }
    )*};
}

to_value! {
    bool => |value| Value::Boolean(*value);
    i16 => |value| Value::Integer(i64::from(*value));
    i32 => |value| Value::Integer(i64::from(*value));
    i64 => |value| Value::Integer(*value);
    u16 => |value| Value::Integer(i64::from(*value));
    u32 => |value| Value::Integer(i64::from(*value));
    f32 => |value| Value::Real(f64::from(*value));
    f64 => |value| Value::Real(*value);
    str => |value| Value::Text(value.to_owned());
    String => |value| Value::Text(value.clone());
    [u8] => |value| Value::Bytes(value.to_vec());
    Vec<u8> => |value| Value::Bytes(value.clone());
}

/// A row that a query gave.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    columns: Arc<[String]>,
    values: Vec<Value>,
}

impl Row {
    pub(crate) fn new(columns: Arc<[String]>, values: Vec<Value>) -> Self {
        Self { columns, values }
    }

    /// The value of a column, by its name or its number from 0. A column that may be `NULL` is an `Option`.
    ///
    /// A value is read as what it is asked for: PostgreSQL's come as text, so that a `uuid` or a `timestamptz` can be
    /// had as a `String`.
    ///
    /// # Errors
    /// Where there is no such column, and where its value is none of that type.
    pub fn get<T: FromValue>(&self, column: impl Column) -> Result<T, DatabaseError> {
        let index = column.index(&self.columns).filter(|index| *index < self.values.len());
        let index = index.ok_or_else(|| {
            let columns = self.columns.join(", ");
            DatabaseError::new(format!("the query gave no column {}; its columns: {columns}", column.shown()))
        })?;
        let value = &self.values[index];
        T::from_value(value).ok_or_else(|| {
            let what = match value {
                Value::Null => "NULL".to_owned(),
                _ => "another value".to_owned(),
            };
            let wanted = std::any::type_name::<T>();
            DatabaseError::new(format!("the column {} is {what}, and no `{wanted}`", column.shown()))
                .help("ask for another type (`Option<..>` where it may be NULL), or convert it in the query")
        })
    }

    /// The names of the columns.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }
}

/// How a column is named: by its name, or by its number from 0.
pub trait Column {
    /// Where it is among these.
    fn index(&self, columns: &[String]) -> Option<usize>;

    /// For messages.
    fn shown(&self) -> String;
}

impl Column for usize {
    fn index(&self, _: &[String]) -> Option<usize> {
        Some(*self)
    }

    fn shown(&self) -> String {
        self.to_string()
    }
}

impl Column for &str {
    fn index(&self, columns: &[String]) -> Option<usize> {
        columns.iter().position(|column| column == self)
    }

    fn shown(&self) -> String {
        format!("`{self}`")
    }
}

/// What a value of a row may be read as.
pub trait FromValue: Sized {
    /// Reads it; `None` where it is something else.
    fn from_value(value: &Value) -> Option<Self>;
}

impl FromValue for Value {
    fn from_value(value: &Value) -> Option<Self> {
        Some(value.clone())
    }
}

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Null => Some(None),
            value => T::from_value(value).map(Some),
        }
    }
}

impl FromValue for bool {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Boolean(value) => Some(*value),
            Value::Integer(0) => Some(false),
            Value::Integer(1) => Some(true),
            Value::Text(text) => match text.as_str() {
                "t" => Some(true),
                "f" => Some(false),
                _ => None,
            },
            _ => None,
        }
    }
}

impl FromValue for i64 {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Integer(value) => Some(*value),
            Value::Text(text) => text.parse().ok(),
            _ => None,
        }
    }
}

impl FromValue for i32 {
    fn from_value(value: &Value) -> Option<Self> {
        i64::from_value(value)?.try_into().ok()
    }
}

impl FromValue for f64 {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Real(value) => Some(*value),
            #[allow(clippy::cast_precision_loss, reason = "whoever asks for this wants the nearest one")]
            Value::Integer(value) => Some(*value as f64),
            // PostgreSQL's `NaN` and `Infinity` are read as well.
            Value::Text(text) => text.parse().ok(),
            _ => None,
        }
    }
}

impl FromValue for String {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Text(text) => Some(text.clone()),
            Value::Integer(value) => Some(value.to_string()),
            Value::Real(value) => Some(value.to_string()),
            Value::Boolean(value) => Some(value.to_string()),
            Value::Null | Value::Bytes(_) => None,
        }
    }
}

impl FromValue for Vec<u8> {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Bytes(bytes) => Some(bytes.clone()),
            Value::Text(text) => bytes_of(text),
            _ => None,
        }
    }
}

/// PostgreSQL's text of bytes: `\x01ff`.
fn bytes_of(text: &str) -> Option<Vec<u8>> {
    let digits = text.strip_prefix("\\x")?.as_bytes();
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pairs = digits.chunks(2).map(|pair| match pair {
        [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    });
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(values: Vec<Value>) -> Row {
        let columns: Vec<String> = (0..values.len()).map(|index| format!("c{index}")).collect();
        Row::new(columns.into(), values)
    }

    #[test]
    fn a_value_is_read_as_what_it_is_asked_for() {
        let text = |text: &str| Value::Text(text.to_owned());
        let row =
            row(vec![text("7"), text("t"), text("1.5"), text("\\x00fF"), Value::Null, Value::Integer(1)]);
        assert_eq!(row.get::<i64>("c0").unwrap(), 7);
        assert_eq!(row.get::<i32>(0).unwrap(), 7);
        assert_eq!(row.get::<String>("c0").unwrap(), "7");
        assert_eq!(row.get::<f64>("c2").unwrap(), 1.5);
        assert_eq!(row.get::<Vec<u8>>("c3").unwrap(), [0, 255]);
        assert_eq!(row.get::<Option<i64>>("c4").unwrap(), None);
        assert!(row.get::<bool>("c1").unwrap() && row.get::<bool>("c5").unwrap());
    }

    #[test]
    fn what_is_not_there_is_named() {
        let row = row(vec![Value::Null, Value::Text("x".into())]);
        let error = |error: DatabaseError| error.message;
        assert_eq!(
            row.get::<i64>("id").map_err(error).unwrap_err(),
            "the query gave no column `id`; its columns: c0, c1"
        );
        assert!(row.get::<i64>(0).map_err(error).unwrap_err().contains("is NULL, and no `i64`"));
        assert!(row.get::<bool>("c1").map_err(error).unwrap_err().contains("another value, and no `bool`"));
        assert!(row.get::<Vec<u8>>("c1").is_err() && row.get::<i64>(2).is_err());
    }
}
