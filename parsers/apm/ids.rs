//! Trace and span ids as trace formats write them: hex, or the base64 of protobuf's own JSON.

use crate::Id;
use crate::scan::number;

/// A trace id.
#[inline]
pub(super) fn trace(text: &[u8]) -> Option<Id> {
    match base64(text, 24) {
        Some(bytes) => Id::from_bytes(&bytes.0[..bytes.1]),
        None => Id::parse(text),
    }
}

/// The keys that a trace id may have as a tool or a file shows it: hex, base64, X-Ray's own writing or the
/// decimals of Datadog. The likeliest comes first.
pub fn trace_ids(text: &[u8]) -> Vec<Id> {
    let decimal = || Some(Id(number::whole(text).ok().filter(|&id| id != 0)?.into()));
    let mut ids: Vec<Id> = [xray(text), trace(text), decimal()].into_iter().flatten().collect();
    ids.dedup();
    ids
}

/// `1-<8 hex digits of seconds>-<24 hex digits>`, as X-Ray writes a trace id: the same 128 bits as a W3C one.
pub(super) fn xray(text: &[u8]) -> Option<Id> {
    let (seconds, rest) = (text.get(2..10)?, text.get(11..35)?);
    if text.len() != 35 || &text[..2] != b"1-" || text[10] != b'-' {
        return None;
    }
    let mut hex = [0; 32];
    hex[..8].copy_from_slice(seconds);
    hex[8..].copy_from_slice(rest);
    if hex.iter().all(u8::is_ascii_hexdigit) { Id::parse(&hex) } else { None }
}

/// A span id.
#[inline]
pub(super) fn span(text: &[u8]) -> Option<u64> {
    match base64(text, 12) {
        Some(bytes) => Id::from_bytes(&bytes.0[..bytes.1]).map(|id| id.0 as u64).filter(|&id| id != 0),
        None => Id::span(text),
    }
}

/// The span id of a span that is known by a text and a number, or by a text alone: FNV-1a
/// (<https://datatracker.ietf.org/doc/draft-eastlake-fnv/>), which never gives the null of a column.
pub(super) fn hashed(text: &[u8], number: i64) -> u64 {
    let bytes = text.iter().copied().chain(number.to_le_bytes());
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325, |hash: u64, b| (hash ^ u64::from(b)).wrapping_mul(0x0000_0100_0000_01b3));
    hash.clamp(1, u64::MAX - 1)
}

/// The bytes of a base64 text and how many they are. A text of `len` characters that ends in `=`,
/// or lacks the padding and is no hex, is one: no hex id has those lengths.
fn base64(text: &[u8], len: usize) -> Option<([u8; 18], usize)> {
    let padded = text.len() == len && text.ends_with(b"=");
    let bare = text.trim_ascii_end().len() == text.len()
        && text.len() == (len * 3 / 4 - if len == 24 { 2 } else { 1 }) * 4 / 3 + 1
        && !text.iter().all(u8::is_ascii_hexdigit);
    if !padded && !bare {
        return None;
    }
    let (mut bytes, mut filled, mut bits, mut held) = ([0; 18], 0, 0u32, 0);
    for &b in text.iter().filter(|&&b| b != b'\\' && b != b'=') {
        let six = match b {
            b'A'..=b'Z' => b - b'A',
            b'a'..=b'z' => b - b'a' + 26,
            b'0'..=b'9' => b - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        (bits, held) = (bits << 6 | u32::from(six), held + 6);
        if held >= 8 {
            held -= 8;
            *bytes.get_mut(filled)? = (bits >> held) as u8;
            filled += 1;
        }
    }
    Some((bytes, filled))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_and_base64_give_the_same_ids() {
        let id = Id(0x5b8e_fff7_9803_8103_d269_b633_813f_c60c);
        // python3 -c 'import base64; print(base64.b64encode(bytes.fromhex("5b8efff798038103d269b633813fc60c")))'
        for text in ["5b8efff798038103d269b633813fc60c", "W47/95gDgQPSabYzgT/GDA==", "W47/95gDgQPSabYzgT/GDA"] {
            assert_eq!(trace(text.as_bytes()), Some(id), "{text}");
        }
        for text in ["eee19b7ec3c1b174", "EEE19B7EC3C1B174", "7uGbfsPBsXQ=", "7uGbfsPBsXQ"] {
            assert_eq!(span(text.as_bytes()), Some(0xeee1_9b7e_c3c1_b174), "{text}");
        }
    }

    #[test]
    fn a_trace_id_is_known_by_every_way_of_showing_it() {
        let id = Id(0x581c_f771_a006_6491_27e3_7190_3a2d_e979);
        assert_eq!(xray(b"1-581cf771-a006649127e371903a2de979"), Some(id));
        assert_eq!(xray(b"1-581cf771-a006649127e371903a2de97"), None);
        assert_eq!(trace_ids(b"1-581cf771-a006649127e371903a2de979")[0], id);
        assert_eq!(trace_ids(b"581cf771a006649127e371903a2de979"), [id]);
        assert_eq!(trace_ids(b"255"), [Id(0x255), Id(255)]);
        assert_eq!(trace_ids(b""), []);
    }

    #[test]
    fn no_id_is_none() {
        assert_eq!(trace(b"AAAAAAAAAAAAAAAAAAAAAA=="), None);
        assert_eq!(span(b"AAAAAAAAAAA="), None);
        assert_eq!(span(b""), None);
    }
}
