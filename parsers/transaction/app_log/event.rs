//! Requests told by two records without a duration, one of their start and one of their end:
//! `request started rid=7f`, `request finished rid=7f status=200`. Which words a log uses is settled
//! by its first lines. The records are not paired here, as they may lie in different chunks.
//! By convention, as no standard covers it; `event.type` knows `start` and `end`:
//! <https://www.elastic.co/docs/reference/ecs/ecs-allowed-values-event-type>

use std::collections::HashMap;

use crate::Phase;

const STARTS: [&str; 13] =
    ["started", "start", "starting", "begin", "begins", "began", "received", "entering", "entered", "enter", "-->", "==>", ">>>"];
const ENDS: [&str; 14] = [
    "finished",
    "finish",
    "end",
    "ended",
    "ends",
    "completed",
    "complete",
    "done",
    "leaving",
    "exiting",
    "responded",
    "<--",
    "<==",
    "<<<",
];

/// What a request is called by people who then do not say which one.
const GENERIC: [&str; 12] = [
    "request",
    "req",
    "transaction",
    "txn",
    "call",
    "http",
    "event",
    "processing",
    "handling",
    "handler",
    "execution",
    "response",
];

/// The verb comes early in a message: so many words are looked at.
const WORDS: usize = 12;

/// Fewer pairs than this among the first lines are chance.
const FEWEST: usize = 2;

/// A word that says that something starts ([`Phase::Text`]) or ends ([`Phase::Time`]).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Verb {
    pub(super) phase: Phase,
    word: &'static str,
}

/// What the words of a message tell.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Told<'a> {
    pub(super) verb: Verb,
    /// The one word before the verb: `PAY started`.
    pub(super) subject: Option<&'a [u8]>,
    /// `GET /path` among the words.
    pub(super) request: Option<(&'a [u8], &'a [u8])>,
}

/// Reads the words of a message, its pairs left out. `None` where they hold no verb, or speak of a
/// start and an end at once.
pub(super) fn read(message: &[u8]) -> Option<Told<'_>> {
    let mut verb: Option<Verb> = None;
    let (mut subject, mut before) = (None, 0);
    let (mut request, mut last) = (None, &b""[..]);
    for token in message.split(u8::is_ascii_whitespace).filter(|token| !token.is_empty()).take(WORDS) {
        let plain = unquoted(token);
        if plain.starts_with(b"/") || plain.starts_with(b"http") && plain.contains(&b'/') {
            let is_method = (3..=7).contains(&last.len()) && last.iter().all(u8::is_ascii_uppercase);
            request = request.or(is_method.then_some((last, plain)));
            continue;
        }
        if let Some(equals) = memchr::memchr(b'=', token).filter(|_| mark(token).is_none()) {
            // What stands in a quoted value is not said of the request.
            if matches!(token.get(equals + 1), Some(b'"' | b'\'')) {
                break;
            }
            continue;
        }
        last = plain;
        let words = token.split(|b: &u8| !b.is_ascii_alphanumeric());
        let found = mark(token).or_else(|| words.filter_map(verb_of).next());
        match (verb, found) {
            (None, None) => (subject, before) = (Some(plain), before + 1),
            (None, _) => verb = found,
            (Some(verb), Some(found)) if verb.phase != found.phase => return None,
            _ => {}
        }
    }
    let subject = subject.filter(|word| before == 1 && is_name(word));
    Some(Told { verb: verb?, subject, request })
}

fn verb_of(word: &[u8]) -> Option<Verb> {
    let find = |words: &[&'static str], phase| {
        let word = words.iter().find(|known| word.eq_ignore_ascii_case(known.as_bytes()))?;
        Some(Verb { phase, word })
    };
    find(&STARTS, Phase::Text).or_else(|| find(&ENDS, Phase::Time))
}

/// An arrow.
fn mark(token: &[u8]) -> Option<Verb> {
    matches!(token, [b'-' | b'=' | b'<' | b'>', _, _]).then(|| verb_of(token)).flatten()
}

fn unquoted(token: &[u8]) -> &[u8] {
    let from = token.iter().position(|b| !matches!(b, b'"' | b'\'' | b'[' | b'('));
    let token = &token[from.unwrap_or(token.len())..];
    let to = token.iter().rposition(|b| !matches!(b, b'"' | b'\'' | b']' | b')' | b',' | b';' | b':' | b'.'));
    &token[..to.map_or(0, |at| at + 1)]
}

fn is_name(word: &[u8]) -> bool {
    let plain = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
    let generic = || GENERIC.iter().any(|known| word.eq_ignore_ascii_case(known.as_bytes()));
    word.len() > 1 && word[0].is_ascii_alphabetic() && word.iter().all(plain) && !generic()
}

/// The two words that one log tells its requests by.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Words {
    start: Verb,
    end: Verb,
}

impl Words {
    /// Of the verbs among the first records, each with the key of its request, the commonest start
    /// and the commonest end, of equals the first. `None` unless half of those ends come after a
    /// start of the same request, and a third of the starts before such an end.
    pub(super) fn settle(seen: &[(Verb, u128)]) -> Option<Words> {
        let words = Words { start: commonest(seen, Phase::Text)?, end: commonest(seen, Phase::Time)? };
        let (mut starts, mut ends, mut pairs) = (0, 0, 0);
        let mut open: HashMap<u128, usize> = HashMap::new();
        for &(verb, key) in seen.iter().filter(|(verb, _)| words.has(*verb)) {
            if verb == words.start {
                starts += 1;
                *open.entry(key).or_default() += 1;
            } else {
                ends += 1;
                if let Some(left) = open.get_mut(&key).filter(|left| **left > 0) {
                    *left -= 1;
                    pairs += 1;
                }
            }
        }
        (pairs >= FEWEST && pairs * 2 >= ends && pairs * 3 >= starts).then_some(words)
    }

    /// Whether a verb is one of the two.
    pub(super) fn has(&self, verb: Verb) -> bool {
        verb == self.start || verb == self.end
    }

    /// The words for people: of the start, of the end.
    pub(super) const fn texts(&self) -> (&'static str, &'static str) {
        (self.start.word, self.end.word)
    }
}

fn commonest(seen: &[(Verb, u128)], phase: Phase) -> Option<Verb> {
    let mut counts: Vec<(Verb, usize)> = Vec::new();
    for &(verb, _) in seen.iter().filter(|(verb, _)| verb.phase == phase) {
        match counts.iter_mut().find(|(known, _)| *known == verb) {
            Some((_, count)) => *count += 1,
            None => counts.push((verb, 1)),
        }
    }
    // The first of equals: `max_by_key` gives the last.
    counts.into_iter().rev().max_by_key(|&(_, count)| count).map(|(verb, _)| verb)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(message: &str) -> Option<(Phase, &str, &str)> {
        let told = read(message.as_bytes())?;
        let text = |text: &'static str| text;
        let subject = told.subject.map_or("", |s| std::str::from_utf8(s).expect("text"));
        Some((told.verb.phase, text(told.verb.word), subject))
    }

    #[test]
    fn verbs_are_found_among_the_words() {
        for (message, want) in [
            ("request started rid=ab12 uri=/pay", (Phase::Text, "started", "")),
            ("rid=ab12 PAY finished status=200", (Phase::Time, "finished", "PAY")),
            ("[PAY] completed, rid=ab12", (Phase::Time, "completed", "PAY")),
            ("request_started", (Phase::Text, "started", "")),
            ("--> rid=1", (Phase::Text, "-->", "")),
            ("<-- 200 rid=1", (Phase::Time, "<--", "")),
            ("Done.", (Phase::Time, "done", "")),
        ] {
            assert_eq!(of(message), Some(want), "{message}");
        }
        let told = read(b"Started GET \"/a/start?x=1\" for 127.0.0.1").expect("a verb");
        assert_eq!(told.request, Some((&b"GET"[..], &b"/a/start?x=1"[..])));
    }

    #[test]
    fn chatter_holds_no_verb() {
        for message in [
            "HikariPool-1 - Start completed.",
            "rid=1 error=\"could not start it\" x=1",
            "state=started rid=1",
            "restarted 3 backends",
            "GET /api/start",
            "",
            "====",
        ] {
            assert_eq!(of(message), None, "{message}");
        }
    }

    #[test]
    fn words_are_settled_by_pairs_of_one_request() {
        let verb = |word: &str| verb_of(word.as_bytes()).expect("a verb");
        let (start, end, other) = (verb("started"), verb("finished"), verb("received"));
        let pairs = [(start, 1), (other, 1), (start, 2), (other, 2), (end, 2), (end, 1)];
        assert_eq!(Words::settle(&pairs).map(|words| words.texts()), Some(("started", "finished")));
        assert_eq!(Words::settle(&[(start, 1), (end, 1)]), None);
        assert_eq!(Words::settle(&[(start, 1), (start, 2), (end, 3), (end, 4)]), None);
        assert_eq!(Words::settle(&[(end, 1), (end, 2), (start, 1), (start, 2)]), None);
        let mut many = pairs.to_vec();
        many.extend((10..16).map(|key| (start, key)));
        assert_eq!(Words::settle(&many), None);
    }
}
