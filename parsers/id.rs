//! Ids that join records of different logs.

/// A 128-bit join key. Hex ids (trace ids, UUIDs, 64-bit ids in the low half) keep their value, so
/// that every spelling of one id is one key; any other text is hashed. Zero never occurs.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Hash, PartialOrd, Ord)]
pub struct Id(pub u128);

impl Id {
    /// The key of an id as written; `None` for what logs write when there is none.
    pub fn parse(text: &[u8]) -> Option<Id> {
        let text = text.trim_ascii();
        if matches!(text, b"" | b"-" | b"null" | b"none" | b"None" | b"unknown") {
            return None;
        }
        let value = hex(text).unwrap_or_else(|| hash(text));
        (value != 0).then_some(Id(value))
    }

    /// The key of an id given as bytes (protobuf, decoded base64): 16 or 8 of them, else a hash.
    pub fn from_bytes(bytes: &[u8]) -> Option<Id> {
        let value = if bytes.len() <= 16 { bytes.iter().fold(0u128, |id, &b| id << 8 | u128::from(b)) } else { hash(bytes) };
        (value != 0).then_some(Id(value))
    }

    /// The trace id and the span id of a W3C `traceparent`
    /// (<https://www.w3.org/TR/trace-context/#traceparent-header>).
    pub fn traceparent(text: &[u8]) -> Option<(Id, u64)> {
        let (trace, span) = (text.get(3..35)?, text.get(36..52)?);
        if text.get(2) != Some(&b'-') || text[35] != b'-' || text.get(52).is_some_and(|&b| b != b'-') {
            return None;
        }
        Some((Id(hex(trace).filter(|&id| id != 0)?), u64::try_from(hex(span)?).ok().filter(|&id| id != 0)?))
    }

    /// The key of a span id: the low 64 bits.
    pub fn span(text: &[u8]) -> Option<u64> {
        Id::parse(text).map(|id| id.0 as u64).filter(|&id| id != 0)
    }
}

/// Up to 32 hex digits, with dashes only where a UUID has them.
#[inline]
fn hex(text: &[u8]) -> Option<u128> {
    match <&[u8; 32]>::try_from(text) {
        Ok(digits) => hex32(digits),
        Err(_) => hex_any(text),
    }
}

/// The commonest length, eight digits at a time.
#[inline]
fn hex32(digits: &[u8; 32]) -> Option<u128> {
    let (eights, _) = digits.as_chunks::<8>();
    eights.iter().try_fold(0u128, |id, eight| Some(id << 32 | u128::from(hex8(u64::from_be_bytes(*eight))?)))
}

/// Eight hex digits in one word, the first on top. While all bytes are ASCII, adding what lifts a
/// bound to 0x80 sets the top bit of the bytes at or over it, and carries nothing over.
#[inline]
fn hex8(text: u64) -> Option<u32> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const TOPS: u64 = 0x8080_8080_8080_8080;
    let from = |word: u64, bound: u8| word.wrapping_add(ONES * u64::from(0x80 - bound));
    let lower = text | (0x20 * ONES);
    let digit = from(text, b'0') & !from(text, b'9' + 1);
    let letter = from(lower, b'a') & !from(lower, b'f' + 1);
    if text & TOPS != 0 || (digit | letter) & TOPS != TOPS {
        return None;
    }
    let nibbles = (text & (0x0f * ONES)) + 9 * ((text >> 6) & ONES);
    let pairs = (nibbles | nibbles >> 4) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs | pairs >> 8) & 0x0000_ffff_0000_ffff;
    Some((fours | fours >> 16) as u32)
}

fn hex_any(text: &[u8]) -> Option<u128> {
    let dashed = text.len() == 36;
    if text.len() > 32 && !dashed {
        return None;
    }
    let mut value = 0u128;
    for (i, &b) in text.iter().enumerate() {
        if dashed && matches!(i, 8 | 13 | 18 | 23) {
            if b != b'-' {
                return None;
            }
            continue;
        }
        let digit = match b {
            b'0'..=b'9' => b - b'0',
            b'a'..=b'f' => b - b'a' + 10,
            b'A'..=b'F' => b - b'A' + 10,
            _ => return None,
        };
        value = value << 4 | u128::from(digit);
    }
    Some(value)
}

/// FNV-1a with 128 bits (<https://datatracker.ietf.org/doc/draft-eastlake-fnv/>): stable across runs.
fn hash(text: &[u8]) -> u128 {
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    text.iter().fold(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d, |h, &b| (h ^ u128::from(b)).wrapping_mul(PRIME))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_an_id_is_one_key() {
        let want = Some(Id(0x5b8e_fff7_9803_8103_d269_b633_813f_c60c));
        assert_eq!(Id::parse(b"5b8efff798038103d269b633813fc60c"), want);
        assert_eq!(Id::parse(b"5B8EFFF7-9803-8103-D269-B633813FC60C"), want);
        assert_eq!(Id::parse(b"5B8EFFF798038103D269B633813FC60C"), want);
        assert_eq!(hex(b"5b8efff798038103d269b633813fc60g"), None);
        assert_eq!(hex(b"5b8efff798038103d269b633813fc60\x10"), None);
        assert_eq!(Id::parse(b"0000abcd"), Some(Id(0xabcd)));
    }

    #[test]
    fn eight_digits_at_a_time_agree_with_one() {
        for b in 0..=255 {
            for at in 0..8 {
                let mut text = *b"09afAF5c";
                text[at] = b;
                assert_eq!(hex8(u64::from_be_bytes(text)).map(u128::from), hex_any(&text), "{b:#x} at {at}");
            }
        }
    }

    #[test]
    fn no_id_is_none() {
        for text in [&b""[..], b"-", b"0000000000000000", b"null"] {
            assert_eq!(Id::parse(text), None);
        }
    }

    #[test]
    fn text_ids_are_hashed_apart() {
        assert_ne!(Id::parse(b"order-1"), Id::parse(b"order-2"));
    }

    #[test]
    fn a_traceparent_gives_trace_and_span() {
        let got = Id::traceparent(b"00-82f366aeaba5d04a77a934bd56676f14-6567724af2b83cc8-01");
        assert_eq!(got, Some((Id(0x82f3_66ae_aba5_d04a_77a9_34bd_5667_6f14), 0x6567_724a_f2b8_3cc8)));
        assert_eq!(Id::traceparent(b"00-00000000000000000000000000000000-6567724af2b83cc8-01"), None);
        assert_eq!(Id::traceparent(b"82f366aeaba5d04a77a934bd56676f14"), None);
    }
}
