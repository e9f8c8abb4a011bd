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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::template::template;
    use super::*;

    fn made(paths: &mut Paths, names: &mut Names, target: &str) -> Option<String> {
        paths.key(target.as_bytes(), names).map(|key| names.get(key).to_owned())
    }

    fn by_definition(target: &str) -> String {
        let mut out = Vec::new();
        template(target.as_bytes(), &mut out);
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn paths_seen_before_have_their_templates() {
        let (mut paths, mut names) = (Paths::default(), Names::default());
        paths.renew();
        for (target, template) in [
            ("/api/v2/accounts/4711/balance?x=1", "/api/v2/accounts/{id}/balance"),
            ("/", "/"),
            ("/a//b/", "/a//b"),
            ("/a;x=1/b", "/a/b"),
            ("/orders/order-4711", "/orders/order-{id}"),
            ("/a-word-of-more-than-15-bytes/7", "/a-word-of-more-than-15-bytes/{id}"),
            ("http://host/a/7", "/a/{id}"),
        ] {
            for _ in 0..3 {
                assert_eq!(made(&mut paths, &mut names, target).as_deref(), Some(template));
            }
        }
        assert_eq!(made(&mut paths, &mut names, "*"), None);
        assert_eq!(made(&mut paths, &mut names, &"/a".repeat(129)), None);
        assert_eq!(names.len(), 7);
    }

    #[test]
    fn another_dictionary_has_keys_of_its_own() {
        let (mut paths, mut first, mut second) = (Paths::default(), Names::default(), Names::default());
        paths.renew();
        assert_eq!((paths.key(b"/a", &mut first), paths.key(b"/b", &mut first)), (Some(0), Some(1)));
        paths.renew();
        assert_eq!(paths.key(b"/b", &mut second), Some(0));
    }

    #[test]
    fn no_more_than_so_many_are_remembered() {
        let (mut paths, mut names) = (Paths::default(), Names::default());
        paths.renew();
        let word = |n: usize| n.to_string().bytes().map(|b| (b - b'0' + b'a') as char).collect::<String>();
        let made = (0..2 * MOST).filter(|&n| made(&mut paths, &mut names, &format!("/{}", word(n))).is_some()).count();
        // The root is one of them.
        assert_eq!((made, paths.nodes.len(), paths.words.len()), (MOST - 1, MOST, MOST - 1));
        paths.renew();
        assert_eq!((paths.nodes.len(), paths.words.len()), (1, 0));
    }

    proptest! {
        #[test]
        fn every_path_has_the_template_of_the_definition(
            targets in prop::collection::vec("(/(api|v[0-9]|[a-z]{0,18}|[0-9]{1,17}|[A-Za-z0-9@:{}._-]{1,20}|[\\x00-\\x7f\u{e9}]{0,9})){1,5}[/?#;]?[a-z/?#;=0-9]{0,8}", 1..20),
        ) {
            let (mut paths, mut names) = (Paths::default(), Names::default());
            paths.renew();
            for target in targets.iter().chain(&targets) {
                let made = made(&mut paths, &mut names, target);
                prop_assert_eq!(made.unwrap_or_else(|| by_definition(target)), by_definition(target));
            }
        }
    }
}
