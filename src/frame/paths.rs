//! A memory of the paths seen, segment by segment, so that most targets are neither looked at byte
//! by byte nor written out. A cache: what a template is, `template` alone says.

use std::hash::{BuildHasher, Hasher};

use hashbrown::{DefaultHashBuilder, HashTable};

use super::template::{PLACEHOLDER, Segment, Segments, path_of};
use super::{NO_NAME, Names};

/// How many templates and beginnings of templates are remembered: a crawler asks for millions.
const MOST: usize = 8_192;

/// The longest template that is remembered, in bytes.
const LONGEST: usize = 256;

/// The templates of paths, as a tree of their segments.
#[derive(Default)]
pub(super) struct Paths {
    /// Beginnings of templates, whole segments each. Their keys number the nodes; the root is empty.
    texts: Names,
    nodes: Vec<Node>,
    /// Short segments that a template keeps as they are, and what they lead to.
    words: HashTable<Word>,
    hasher: DefaultHashBuilder,
    scratch: Vec<u8>,
    /// Counts the dictionaries: a node's key stands in one of them.
    round: u32,
}

#[derive(Clone, Copy)]
struct Node {
    /// What an id leads to; [`NO_NAME`] until one has been seen.
    variable: u32,
    /// Key in the dictionary of `round`.
    key: u32,
    round: u32,
}

struct Word {
    node: u32,
    word: u128,
    to: u32,
}

impl Paths {
    /// Prepares for another dictionary.
    pub(super) fn renew(&mut self) {
        self.round = self.round.wrapping_add(1);
        // A number that comes again would make old keys look new.
        if self.round == 0 || self.nodes.len() >= MOST || self.nodes.is_empty() {
            self.texts.clear();
            self.nodes.clear();
            self.words.clear();
            self.round = 1;
            self.node(b"");
        }
    }

    /// The key in `names` of the template of a target. `None` when it has to be made the long way:
    /// the target is no path, its template is long, or too many are remembered.
    #[inline]
    pub(super) fn key(&mut self, target: &[u8], names: &mut Names) -> Option<u32> {
        const ROOT: u32 = 0;
        let mut node = ROOT;
        for segment in Segments::of(path_of(target)?) {
            node = self.step(node, segment)?;
        }
        if node == ROOT {
            node = self.add(ROOT, |_| ())?;
        }
        let Node { key, round, .. } = &mut self.nodes[node as usize];
        if *round != self.round {
            (*key, *round) = (names.key(self.texts.get(node).as_bytes()), self.round);
        }
        Some(*key)
    }

    #[inline]
    fn step(&mut self, node: u32, segment: Segment<'_>) -> Option<u32> {
        let Some(word) = short(segment) else { return self.unknown(node, segment) };
        let hash = self.hash(node, word);
        match self.words.find(hash, |known| known.word == word && known.node == node) {
            Some(known) => Some(known.to),
            None => self.unknown(node, segment),
        }
    }

    /// A step that is not among the words.
    fn unknown(&mut self, node: u32, segment: Segment<'_>) -> Option<u32> {
        if segment.is_variable() {
            let variable = self.nodes[node as usize].variable;
            if variable != NO_NAME {
                return Some(variable);
            }
            let to = self.add(node, |text| text.extend_from_slice(PLACEHOLDER))?;
            self.nodes[node as usize].variable = to;
            return Some(to);
        }
        let to = self.add(node, |text| segment.push(text))?;
        // Of others there may be as many as of ids: `order-4711`.
        let is_kept = self.texts.get(to).as_bytes().ends_with(segment.text());
        if let Some(word) = short(segment).filter(|_| is_kept) {
            self.learn(node, word, to);
        }
        Some(to)
    }

    fn learn(&mut self, node: u32, word: u128, to: u32) {
        let hash = self.hash(node, word);
        let (words, hasher) = (&mut self.words, &self.hasher);
        words.insert_unique(hash, Word { node, word, to }, |known| hash_of(hasher, known.node, known.word));
    }

    /// The node for a node's text and another segment.
    fn add(&mut self, node: u32, push: impl FnOnce(&mut Vec<u8>)) -> Option<u32> {
        let mut text = std::mem::take(&mut self.scratch);
        text.clear();
        text.extend_from_slice(self.texts.get(node).as_bytes());
        text.push(b'/');
        push(&mut text);
        let to = (text.len() <= LONGEST && self.nodes.len() < MOST).then(|| self.node(&text));
        self.scratch = text;
        to
    }

    fn node(&mut self, text: &[u8]) -> u32 {
        let node = self.texts.key(text);
        self.nodes.resize(self.texts.len(), Node { variable: NO_NAME, key: NO_NAME, round: 0 });
        node
    }

    #[inline]
    fn hash(&self, node: u32, word: u128) -> u64 {
        hash_of(&self.hasher, node, word)
    }
}

#[inline]
fn hash_of(hasher: &DefaultHashBuilder, node: u32, word: u128) -> u64 {
    let mut state = hasher.build_hasher();
    state.write_u32(node);
    state.write_u128(word);
    state.finish()
}

/// A short segment as a word. Numbers have none: they are ids.
#[inline]
fn short(segment: Segment<'_>) -> Option<u128> {
    if segment.is_number() { None } else { segment.word() }
}
