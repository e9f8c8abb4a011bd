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
fn hex(text: &[u8]) -> Option<u128> {
    if text.len() == 36 {
        let mut digits = [0; 32];
        let mut at = 0;
        for (i, &b) in text.iter().enumerate() {
            if matches!(i, 8 | 13 | 18 | 23) {
                if b != b'-' {
                    return None;
                }
            } else {
                digits[at] = b;
                at += 1;
            }
        }
        return hex(&digits);
    }
    if text.len() > 32 {
        return None;
    }
    let (high, low) = text.split_at(text.len().saturating_sub(16));
    Some(u128::from(hex64(high)?) << 64 | u128::from(hex64(low)?))
}

/// Up to 16 hex digits. Ids are read on every line of a log, so there is no branch per digit.
fn hex64(digits: &[u8]) -> Option<u64> {
    let (mut value, mut seen) = (0u64, 0u8);
    for &b in digits {
        let digit = HEX[usize::from(b)];
        seen |= digit;
        value = value << 4 | u64::from(digit & 15);
    }
    (seen < 16).then_some(value)
}

/// The value of each hex digit; 255 for what is none.
const HEX: [u8; 256] = {
    let mut table = [255; 256];
    let mut i = 0;
    while i < 16 {
        table[b"0123456789abcdef"[i] as usize] = i as u8;
        table[b"0123456789ABCDEF"[i] as usize] = i as u8;
        i += 1;
    }
    table
};

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
        assert_eq!(Id::parse(b"0000abcd"), Some(Id(0xabcd)));
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
