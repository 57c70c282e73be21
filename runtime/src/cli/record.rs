//! `baseline`, `adopt`, `apply --fake` and `--fake-initial`: migrations are recorded, and not run.

use super::amend::Words;
use crate::record::Recorded;
use crate::reporter::document;

/// How `baseline` is shown.
pub(super) const BASELINE: Words<Recorded> = Words {
    verb: "baseline",
    noun: "migration",
    does: "record",
    did: "recorded",
    line: |recorded| format!("{} {}", recorded.version, recorded.name),
    json: document::recorded,
    is_followed: false,
};

/// How `--fake` is shown.
pub(super) const FAKE: Words<Recorded> = Words { verb: "fake", ..BASELINE };

/// How `--fake-initial` is shown: a run follows.
pub(super) const INITIAL: Words<Recorded> = Words { verb: "fake-initial", is_followed: true, ..BASELINE };

/// How `adopt` is shown.
#[cfg(feature = "adopt")]
pub(super) const ADOPT: Words<Recorded> = Words { verb: "adopt", does: "adopt", did: "adopted", ..BASELINE };
