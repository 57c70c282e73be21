//! The checksums of other tools, of files that may have got attribute lines and other line ends since.
//!
//! refinery hashes the version as it keeps it, in four bytes or, with its feature `int8-versions`, in eight. Its own
//! crate can do one of the two, and which one is the same for the whole build: to ask it for eight bytes here would
//! change the checksums of an application that still runs refinery. So the hash is made here, with the crate that
//! refinery makes it with.

use std::fmt;
use std::hash::{Hash, Hasher};

use sha2::{Digest, Sha384};
use sharded_migrations_core::Migration;
use siphasher::sip::SipHasher13;

const BYTE_ORDER_MARK: char = '\u{feff}';

/// What another tool has kept of a file's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Checksum {
    /// refinery's: SipHash-1-3 over the name, the version and the text.
    Sip13 { name: String, version: i64, sum: u64 },
    /// sqlx's: SHA-384 of the text.
    Sha384([u8; 48]),
    /// Flyway's: CRC-32 of the text without its line ends.
    Crc32(i32),
}

impl Checksum {
    /// Reads the SHA-384 that is written in hexadecimal digits.
    pub(super) fn sha384(digits: &str) -> Option<Self> {
        let mut bytes = [0; 48];
        if digits.len() != 2 * bytes.len() || !digits.is_ascii() {
            return None;
        }
        for (index, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&digits[2 * index..2 * index + 2], 16).ok()?;
        }
        Some(Self::Sha384(bytes))
    }

    /// Whether the tool may have applied the text of this migration: as it is, or as it was before it got attributes
    /// here, or was checked out on another system.
    pub(super) fn is_of(&self, migration: &Migration) -> bool {
        originals(migration).iter().any(|text| self.is_of_text(text))
    }

    fn is_of_text(&self, text: &str) -> bool {
        match self {
            Self::Sip13 { name, version, sum } => {
                let as_four_bytes =
                    i32::try_from(*version).is_ok_and(|version| sip13(name, version, text) == *sum);
                as_four_bytes || sip13(name, *version, text) == *sum
            }
            Self::Sha384(sum) => {
                // sqlx can be told to leave characters out; this is the list in its documentation.
                const IGNORED: [char; 5] = [' ', '\t', '\r', '\n', BYTE_ORDER_MARK];
                let is = |text: &str| Sha384::digest(text)[..] == sum[..];
                is(text) || is(&text.replace(IGNORED, ""))
            }
            Self::Crc32(sum) => {
                let mut hasher = crc32fast::Hasher::new();
                let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
                text.split(['\r', '\n']).for_each(|line| hasher.update(line.as_bytes()));
                // Java has no unsigned numbers: it is the same 32 bits.
                hasher.finalize() == sum.cast_unsigned()
            }
        }
    }
}

/// As the tool's table has it.
impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sip13 { sum, .. } => write!(f, "{sum}"),
            Self::Sha384(bytes) => bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}")),
            Self::Crc32(sum) => write!(f, "{sum}"),
        }
    }
}

fn sip13(name: &str, version: impl Hash, text: &str) -> u64 {
    let mut hasher = SipHasher13::new();
    name.hash(&mut hasher);
    version.hash(&mut hasher);
    text.hash(&mut hasher);
    hasher.finish()
}

/// The texts that a migration's file may have had when another tool applied it.
///
/// Embedded it has neither a byte order mark nor `\r`. Who adds attributes may leave an empty line below them, and an
/// editor ends the last line.
fn originals(migration: &Migration) -> Vec<String> {
    let without = migration.without_attributes();
    let mut texts = vec![migration.sql.to_string(), without.trim_start_matches('\n').to_owned(), without];
    texts.sort();
    texts.dedup();
    let unended: Vec<String> =
        texts.iter().filter_map(|text| text.strip_suffix('\n')).map(str::to_owned).collect();
    texts.extend(unended);
    let of_windows: Vec<String> = texts.iter().map(|text| text.replace('\n', "\r\n")).collect();
    texts.extend(of_windows);
    let marked: Vec<String> = texts.iter().map(|text| format!("{BYTE_ORDER_MARK}{text}")).collect();
    texts.extend(marked);
    texts
}

#[cfg(test)]
mod tests {
    use super::super::samples::migration;
    use super::*;

    const SQL: &str = "CREATE TABLE a (id bigint);\n\nCREATE INDEX a_id ON a (id);\n";

    /// Each as the tool itself wrote it for a file with that text (refinery 0.10, without and with `int8-versions`, and
    /// sqlx 0.9); Flyway's is what Python's `zlib.crc32` says of its lines, one behind the other.
    fn sums() -> [Checksum; 4] {
        let sip13 = |sum| Checksum::Sip13 { name: "a".into(), version: 1, sum };
        let sha384 = "aabed0771b304145d56371fced4d415b9f65f8e39064843300af3df41d1271ccecc87f0ebc7ac15cab97326a27a72bc4";
        [
            sip13(5_677_306_380_656_162_770),
            sip13(4_817_740_779_642_896_202),
            Checksum::sha384(sha384).unwrap(),
            Checksum::Crc32(3_606_015_135_u32.cast_signed()),
        ]
    }

    /// Every checksum is that of one of the texts, or none is.
    fn is_known(text: &str) -> bool {
        let migration = migration("V1__a.sql", text);
        let known = sums().map(|sum| sum.is_of(&migration));
        assert!(known.iter().all(|one| *one == known[0]), "{text:?}: {known:?}");
        known[0]
    }

    #[test]
    fn attribute_lines_do_not_matter() {
        let route = "-- #[route(everywhere)]\n";
        assert!(is_known(&format!("{route}{SQL}")));
        assert!(
            is_known(&format!("{route}-- #[lock_timeout = \"2s\"]\n\n{SQL}")),
            "an empty line below them"
        );
        assert!(!is_known(&format!("{route}-- More.\n{SQL}")));
        assert!(!is_known(&format!("{route}{}", SQL.replace("bigint", "int"))));
    }

    #[test]
    fn how_a_file_is_checked_out_does_not_matter() {
        let route = "-- #[route(everywhere)]\n";
        assert!(is_known(&format!("{route}{SQL}").replace('\n', "\r\n")));
        assert!(is_known(&format!("\u{feff}{route}{SQL}")));
        // And the other way round: the tool saw another text than we do.
        let here = migration("V1__a.sql", &format!("{route}{SQL}"));
        for there in [
            SQL.replace('\n', "\r\n"),
            format!("\u{feff}{SQL}"),
            SQL.trim_end().to_owned(),
            format!("{route}{SQL}"),
        ] {
            let sip13 = |sum| Checksum::Sip13 { name: "a".into(), version: 1, sum };
            assert!(sip13(sip13_of(&there)).is_of(&here), "{there:?}");
            assert!(Checksum::Sha384(Sha384::digest(&there).into()).is_of(&here), "{there:?}");
        }
    }

    fn sip13_of(text: &str) -> u64 {
        super::sip13("a", 1_i32, text)
    }

    #[test]
    fn sqlx_may_have_left_out_white_space() {
        let here = migration("1_a.sql", &format!("-- #[route(everywhere)]\n{SQL}"));
        let text = "CREATETABLEa(idbigint);CREATEINDEXa_idONa(id);";
        assert!(Checksum::Sha384(Sha384::digest(text).into()).is_of(&here));
    }

    #[test]
    fn refinerys_covers_name_and_version() {
        let here = migration("V1__a.sql", &format!("-- #[route(everywhere)]\n{SQL}"));
        let sum = sip13_of(SQL);
        assert!(!Checksum::Sip13 { name: "b".into(), version: 1, sum }.is_of(&here));
        assert!(!Checksum::Sip13 { name: "a".into(), version: 2, sum }.is_of(&here));
    }

    #[test]
    fn hexadecimal_digits_are_read_or_not() {
        for bad in ["", "aa", &"g".repeat(96), &"é".repeat(48)] {
            assert_eq!(Checksum::sha384(bad), None, "{bad}");
        }
        let [_, _, sum, crc] = sums();
        assert_eq!(Checksum::sha384(&sum.to_string()), Some(sum));
        assert_eq!(crc.to_string(), "-688952161");
    }
}
