//! The names of the things a route can mention, each a type of its own.

use std::borrow::Cow;
use std::fmt;

use crate::Text;

/// Why a text is not a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a name: use ASCII letters, digits, `_`, `-` and `.`, and begin with a letter, a digit or `_`"
)]
pub struct InvalidName(pub String);

fn is_name(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    !text.starts_with(['-', '.']) && !text.is_empty() && text.chars().all(allowed)
}

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Text);

        impl $name {
            /// Reads a name; the error says which characters a name may have.
            pub fn new(text: impl Into<String>) -> Result<Self, InvalidName> {
                let text = text.into();
                if is_name(&text) { Ok(Self(Cow::Owned(text))) } else { Err(InvalidName(text)) }
            }

            /// For the code that the macro emits, which has checked the name already.
            #[doc(hidden)]
            pub const fn embedded(text: &'static str) -> Self {
                Self(Cow::Borrowed(text))
            }

            /// The name as text.
            pub const fn as_str(&self) -> &str {
                match &self.0 {
                    Cow::Borrowed(text) => text,
                    Cow::Owned(text) => text.as_str(),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&*self.0, f)
            }
        }
    )*};
}

names! {
    /// The name of one database of the fleet: `default`, `users_01`.
    DatabaseName;
    /// The name of a group of databases that carry the same schema: `users`.
    GroupName;
    /// A free label on a database: `eu`.
    Label;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain_words() {
        for good in ["default", "users_01", "eu-west.1", "_x", "1"] {
            assert!(GroupName::new(good).is_ok(), "{good}");
        }
        for bad in ["", "-x", ".x", "a b", "a/b", "ü", "a\0"] {
            assert!(GroupName::new(bad).is_err(), "{bad}");
        }
    }
}
