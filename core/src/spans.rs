//! Ranges of bytes in the text of a migration.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

/// Ranges of bytes in a text.
///
/// Each is eight bytes, so that the macro writes all of a text out as one literal: the compiler takes time for each
/// token, and a thousand migrations have thousands of statements.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Spans(Cow<'static, [u8]>);

impl Spans {
    /// None at all.
    pub const NONE: Self = Self(Cow::Owned(Vec::new()));

    /// For the code that the macro emits: what [`bytes`](Self::bytes) returned.
    #[doc(hidden)]
    pub const fn embedded(bytes: &'static [u8]) -> Self {
        Self(Cow::Borrowed(bytes))
    }

    /// For the macro.
    #[doc(hidden)]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.as_chunks::<8>().0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// One of them, counted from 0.
    pub fn get(&self, index: usize) -> Option<Range<usize>> {
        self.0.as_chunks().0.get(index).map(range)
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Range<usize>> + ExactSizeIterator {
        self.0.as_chunks().0.iter().map(range)
    }
}

fn range(&[a, b, c, d, e, f, g, h]: &[u8; 8]) -> Range<usize> {
    let number = |bytes| usize::try_from(u32::from_le_bytes(bytes)).unwrap_or(usize::MAX);
    number([a, b, c, d])..number([e, f, g, h])
}

impl FromIterator<Range<usize>> for Spans {
    fn from_iter<I: IntoIterator<Item = Range<usize>>>(ranges: I) -> Self {
        // No text is longer: the compiler takes no file of four gigabytes.
        let bytes = |number| u32::try_from(number).unwrap_or(u32::MAX).to_le_bytes();
        let mut all = Vec::new();
        for range in ranges {
            all.extend(bytes(range.start));
            all.extend(bytes(range.end));
        }
        Self(Cow::Owned(all))
    }
}

impl fmt::Debug for Spans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_read_back() {
        let ranges = [0..0, 3..300, 70_000..80_000];
        let spans: Spans = ranges.iter().cloned().collect();
        assert_eq!((spans.len(), spans.is_empty()), (3, false));
        assert!(spans.iter().eq(ranges));
        assert_eq!((spans.get(1), spans.get(3)), (Some(3..300), None));
        assert_eq!(format!("{spans:?}"), "[0..0, 3..300, 70000..80000]");
        assert_eq!((Spans::NONE.len(), Spans::NONE.get(0)), (0, None));
    }
}
