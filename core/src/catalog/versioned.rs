//! A map that can say what it was before, and become that again.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;

/// A map with marks: what is changed after a mark is remembered as it was.
#[derive(Debug)]
pub(super) struct Versioned<K, V> {
    now: HashMap<K, V>,
    /// For each mark, the oldest first, what the entries changed behind it were.
    marks: Vec<HashMap<K, Option<V>>>,
}

impl<K, V> Default for Versioned<K, V> {
    fn default() -> Self {
        Self { now: HashMap::new(), marks: Vec::new() }
    }
}

impl<K: Eq + Hash + Clone, V: Clone> Versioned<K, V> {
    pub(super) fn get<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.now.get(key)
    }

    pub(super) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.remember(key);
        self.now.get_mut(key)
    }

    /// The value, made if there is none.
    pub(super) fn entry(&mut self, key: K) -> &mut V
    where
        V: Default,
    {
        self.remember(&key);
        self.now.entry(key).or_default()
    }

    pub(super) fn insert(&mut self, key: K, value: V) {
        self.remember(&key);
        self.now.insert(key, value);
    }

    pub(super) fn remove(&mut self, key: &K) -> Option<V> {
        self.remember(key);
        self.now.remove(key)
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &V> {
        self.now.values()
    }

    fn remember(&mut self, key: &K) {
        if let Some(last) = self.marks.last_mut()
            && !last.contains_key(key)
        {
            last.insert(key.clone(), self.now.get(key).cloned());
        }
    }

    pub(super) fn mark(&mut self) {
        self.marks.push(HashMap::new());
    }

    /// Goes back to the last mark.
    pub(super) fn undo(&mut self) {
        for (key, value) in self.marks.pop().unwrap_or_default() {
            match value {
                Some(value) => self.now.insert(key, value),
                None => self.now.remove(&key),
            };
        }
    }

    /// Takes all marks away, and leaves the map as it is.
    pub(super) fn settle(&mut self) {
        self.marks.clear();
    }

    /// A value at the first mark.
    pub(super) fn before(&self, key: &K) -> Option<&V> {
        match self.marks.iter().find_map(|mark| mark.get(key)) {
            Some(value) => value.as_ref(),
            None => self.now.get(key),
        }
    }

    /// What has been changed, or at least looked at to be changed, since the first mark; some more than once.
    pub(super) fn touched(&self) -> impl Iterator<Item = &K> {
        self.marks.iter().flat_map(HashMap::keys)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_before_is_known_and_can_be_again() {
        let mut map: Versioned<&str, u8> = Versioned::default();
        map.insert("a", 1);
        map.insert("b", 1);
        map.mark();
        map.insert("a", 2);
        map.mark();
        map.remove(&"a");
        *map.entry("c") += 3;
        assert_eq!((map.get(&"a"), map.get(&"b"), map.get(&"c")), (None, Some(&1), Some(&3)));
        assert_eq!((map.before(&"a"), map.before(&"b"), map.before(&"c")), (Some(&1), Some(&1), None));
        let mut touched: Vec<&str> = map.touched().copied().collect();
        touched.sort_unstable();
        assert_eq!(touched, ["a", "a", "c"]);
        map.undo();
        assert_eq!((map.get(&"a"), map.get(&"c")), (Some(&2), None));
        map.settle();
        assert_eq!((map.before(&"a"), map.touched().count()), (Some(&2), 0));
    }
}
