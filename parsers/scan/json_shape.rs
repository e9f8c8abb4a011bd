//! The shape of a JSON query: its keys and nesting, without its values.
//!
//! `{"status":"A","_id":{"$in":[1,2]}}` becomes `{status: ?, _id: {$in: [?]}}`. Neighbours in an
//! array that have one shape fold into one; typed values of MongoDB's extended JSON are values
//! (<https://www.mongodb.com/docs/manual/reference/mongodb-extended-json/>). No recursion, and a
//! text that is cut or no JSON has some shape, too.

/// An object or array that is open.
struct Frame {
    array: bool,
    /// Where it starts in the output.
    start: usize,
    /// Where its current element starts.
    element: usize,
    /// The element before.
    last: Option<(usize, usize)>,
    /// It only wraps a typed value.
    value: bool,
}

/// Appends the shape of a JSON text to `out`.
pub fn shape(json: &[u8], out: &mut Vec<u8>) {
    let mut frames: Vec<Frame> = Vec::new();
    let mut at = 0;
    while let Some(&byte) = json.get(at) {
        match byte {
            b'{' | b'[' => {
                frames.push(Frame { array: byte == b'[', start: out.len(), element: out.len() + 1, last: None, value: false });
                out.push(byte);
                at += 1;
            }
            b'}' | b']' => {
                if let Some(mut frame) = frames.pop() {
                    end_element(&mut frame, out);
                    if frame.value {
                        out.truncate(frame.start);
                        out.push(b'?');
                    } else {
                        out.push(if frame.array { b']' } else { b'}' });
                    }
                }
                at += 1;
            }
            b',' => {
                if let Some(frame) = frames.last_mut() {
                    end_element(frame, out);
                    out.extend_from_slice(b", ");
                    frame.element = out.len();
                }
                at += 1;
            }
            b'"' => {
                let len = json[at + 1..].iter().scan(false, closing).position(|end| end).unwrap_or(json.len() - at - 1);
                let text = &json[at + 1..at + 1 + len];
                at = (at + len + 2).min(json.len());
                let blanks = json[at..].iter().take_while(|b| b.is_ascii_whitespace()).count();
                if json.get(at + blanks) == Some(&b':') {
                    at += blanks + 1;
                    if let Some(frame) = frames.last_mut() {
                        frame.value |= is_type(text);
                    }
                    out.extend_from_slice(text);
                    out.extend_from_slice(b": ");
                } else if is_path(text) {
                    out.extend_from_slice(text);
                } else {
                    out.push(b'?');
                }
            }
            b if b.is_ascii_whitespace() || b == b':' => at += 1,
            _ => {
                let rest = &json[at..];
                let len = rest.iter().position(|b| matches!(b, b',' | b']' | b'}' | b' ' | b'\n' | b'"' | b'{' | b'['));
                at += len.unwrap_or(rest.len()).max(1);
                out.push(b'?');
            }
        }
    }
}

/// Whether a byte closes a string, where the state is "behind a backslash".
fn closing(escaped: &mut bool, byte: &u8) -> Option<bool> {
    let closes = *byte == b'"' && !*escaped;
    *escaped = *byte == b'\\' && !*escaped;
    Some(closes)
}

/// Ends the current element: in an array it goes when it has the shape of the one before.
fn end_element(frame: &mut Frame, out: &mut Vec<u8>) {
    if !frame.array {
        return;
    }
    let element = (frame.element, out.len());
    match frame.last {
        Some((start, end)) if out.get(start..end) == out.get(element.0..element.1) => out.truncate(end),
        _ if element.0 < element.1 => frame.last = Some(element),
        _ => {}
    }
}

/// A field of the data or a variable, which an aggregation names in a string: `"$amount"`.
fn is_path(text: &[u8]) -> bool {
    text.first() == Some(&b'$')
        && text.len() <= 64
        && text[1..].iter().all(|b| b.is_ascii_alphabetic() || matches!(b, b'_' | b'.' | b'$'))
}

fn is_type(key: &[u8]) -> bool {
    matches!(
        key,
        b"$oid"
            | b"$date"
            | b"$numberLong"
            | b"$numberInt"
            | b"$numberDouble"
            | b"$numberDecimal"
            | b"$binary"
            | b"$uuid"
            | b"$timestamp"
            | b"$regularExpression"
            | b"$minKey"
            | b"$maxKey"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn print(json: &str) -> String {
        let mut out = Vec::new();
        shape(json.as_bytes(), &mut out);
        String::from_utf8(out).expect("text stays text")
    }

    #[test]
    fn values_go_and_keys_stay() {
        for (json, want) in [
            (r#"{"status":"A","_id":{"$in":[1,2,3]}}"#, "{status: ?, _id: {$in: [?]}}"),
            (r#"{"_id":{"$oid":"65"},"at":{"$gt":{"$date":"2026"}}}"#, "{_id: ?, at: {$gt: ?}}"),
            (r#"{"$or":[{"a":1},{"a":2},{"b":null}]}"#, "{$or: [{a: ?}, {b: ?}]}"),
            (r#"[{"$group":{"_id":"$owner.name","n":{"$sum":-1.5e3}}}]"#, "[{$group: {_id: $owner.name, n: {$sum: ?}}}]"),
            (r#"{ "a" : "x \" , y" , "b" : [] , "c" : {} }"#, "{a: ?, b: [], c: {}}"),
            (r#"{"a":"cut"#, "{a: ?"),
            (r#"[[1,1],[1,1]]"#, "[[?]]"),
            ("", ""),
        ] {
            assert_eq!(print(json), want, "{json}");
        }
    }

    #[test]
    fn a_million_brackets_neither_recurse_nor_fail() {
        assert_eq!(print(&"[".repeat(1_000_000)).len(), 1_000_000);
        assert_eq!(print(&"]},:".repeat(1_000)).len(), 0);
    }
}
