//! Texts that repeat: each distinct one is kept once, rows hold its key.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

/// Key of "no text".
pub const NO_NAME: u32 = u32::MAX;

/// A dictionary of texts. Keys count from 0 in the order of first use.
#[derive(Default)]
pub struct Names {
    texts: Vec<Box<str>>,
    index: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

impl Names {
    /// The key of a text, which is added when it is new. Bytes that are not UTF-8 are replaced.
    pub fn key(&mut self, text: &[u8]) -> u32 {
        // What is known already need not be checked again for being text.
        self.find_bytes(text).unwrap_or_else(|| {
            let text = String::from_utf8_lossy(text);
            self.find(&text).unwrap_or_else(|| self.add(&text))
        })
    }

    fn add(&mut self, text: &str) -> u32 {
        let key = self.texts.len() as u32;
        self.texts.push(text.into());
        let (texts, hasher) = (&self.texts, &self.hasher);
        let hash = hasher.hash_one(text.as_bytes());
        self.index.insert_unique(hash, key, |&key| hasher.hash_one(texts[key as usize].as_bytes()));
        key
    }

    #[inline]
    fn find_bytes(&self, text: &[u8]) -> Option<u32> {
        let hash = self.hasher.hash_one(text);
        self.index.find(hash, |&key| self.texts[key as usize].as_bytes() == text).copied()
    }

    /// Forgets every text.
    pub fn clear(&mut self) {
        self.texts.clear();
        self.index.clear();
    }

    /// The text of a key; empty for [`NO_NAME`].
    pub fn get(&self, key: u32) -> &str {
        self.texts.get(key as usize).map_or("", |text| text)
    }

    /// The key of a text that is there.
    pub fn find(&self, text: &str) -> Option<u32> {
        self.find_bytes(text.as_bytes())
    }

    /// Number of texts.
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// Whether there is no text.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// The texts, by key.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.texts.iter().map(|text| &**text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_text_has_one_key() {
        let mut names = Names::default();
        assert_eq!((names.key(b"a"), names.key(b"b"), names.key(b"a")), (0, 1, 0));
        assert_eq!((names.get(1), names.get(NO_NAME), names.len()), ("b", "", 2));
        assert_eq!(names.find("b"), Some(1));
    }
}
