//! The arguments of the macro.

use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};
use sharded_migrations_core::suggest;
use syn::parse::{Parse, ParseStream};
use syn::{Ident, LitStr, Token};

const MIGRATIONS: &str = "migrations";
const DATABASES: &str = "databases";

/// `migrations = "..", databases = ".."`, each with a default; before them `pub static NAME`, where the macro stands in the
/// place of an item.
#[derive(Default)]
pub(crate) struct Arguments {
    pub(crate) item: Option<StaticItem>,
    migrations: Option<LitStr>,
    databases: Option<LitStr>,
}

/// `/// .. pub(crate) static MIGRATIONS`
pub(crate) struct StaticItem {
    /// What stands before `static`.
    pub(crate) prefix: TokenStream,
    pub(crate) name: Ident,
}

impl StaticItem {
    /// Reads it, if it is there.
    fn parse(input: ParseStream<'_>) -> syn::Result<Option<Self>> {
        if !input.peek(Token![#]) && !input.peek(Token![pub]) && !input.peek(Token![static]) {
            return Ok(None);
        }
        let mut prefix = TokenStream::new();
        while !input.is_empty() && !input.peek(Token![static]) {
            prefix.extend([input.parse::<TokenTree>()?]);
        }
        input.parse::<Token![static]>()?;
        let name = input.parse()?;
        if input.peek(Token![:]) || input.peek(Token![=]) {
            return Err(input.error("its type and value are the macro's: write `pub static NAME`"));
        }
        if !input.is_empty() {
            input.parse::<Token![,]>()?;
        }
        Ok(Some(Self { prefix, name }))
    }
}

impl Arguments {
    /// The folder of migrations, below the folder of the crate.
    pub(crate) fn migrations(&self, crate_folder: &Path) -> PathBuf {
        below(crate_folder, self.migrations.as_ref(), "migrations")
    }

    /// The file that describes the fleet, below the folder of the crate.
    pub(crate) fn databases(&self, crate_folder: &Path) -> PathBuf {
        below(crate_folder, self.databases.as_ref(), "databases.toml")
    }
}

fn below(folder: &Path, argument: Option<&LitStr>, default: &str) -> PathBuf {
    folder.join(argument.map_or_else(|| default.to_owned(), LitStr::value))
}

impl Parse for Arguments {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut arguments = Self { item: StaticItem::parse(input)?, ..Self::default() };
        while !input.is_empty() {
            if input.peek(LitStr) {
                let example = r#"name the argument: `migrations = "db/migrations"` or `databases = "db/databases.toml"`"#;
                return Err(input.error(example));
            }
            let name: Ident = input.parse()?;
            let slot = match name.to_string().as_str() {
                MIGRATIONS => &mut arguments.migrations,
                DATABASES => &mut arguments.databases,
                other => {
                    let help = suggest::help(other, "arguments", [MIGRATIONS, DATABASES]);
                    return Err(syn::Error::new(
                        name.span(),
                        format!("no argument is called `{other}`; {help}"),
                    ));
                }
            };
            input.parse::<Token![=]>()?;
            let value: LitStr = input.parse()?;
            if slot.replace(value).is_some() {
                return Err(syn::Error::new(name.span(), format!("`{name}` is given twice")));
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(arguments)
    }
}
