//! The XML shape: `<httpSample t= lt= ct= ts= ...>`, possibly within one another.
//!
//! A sample within another is its child: a redirect, an embedded resource. What lies within the result
//! of a transaction controller is a request of its own, as it is in CSV. <https://jmeter.apache.org/usermanual/listeners.html#xmlformat2.1>

use std::borrow::Cow;

use memchr::{memchr, memchr_iter, memchr2, memchr3, memmem};

use super::sample::Sample;
use crate::{
    Batch, Boundary, Chunk, Decoder, Facts, Family, Format, Id, Kind, OpenError, Options, Reason, Spec, Stamp, Unit, Verdict,
};

pub(in crate::access) struct JmeterXml;

static SPEC: Spec = Spec {
    name: "jmeter-xml",
    family: Family::Access,
    title: "JMeter results as XML (JTL)",
    source: "https://jmeter.apache.org/usermanual/listeners.html#xmlformat2.1",
    stamp: Stamp::Start,
    unit: Some(Unit::Millis),
    resolution_ns: 1_000_000,
    sample: "\
<?xml version=\"1.0\" encoding=\"UTF-8\"?>
<testResults version=\"1.2\">
<httpSample t=\"120\" it=\"0\" lt=\"90\" ct=\"10\" ts=\"1795370151000\" s=\"true\" lb=\"GET /a &amp; b\" rc=\"200\" rm=\"OK\" tn=\"Users 1-1\" dt=\"text\" by=\"5120\">
  <httpSample t=\"50\" it=\"0\" lt=\"45\" ct=\"0\" ts=\"1795370151000\" s=\"true\" lb=\"GET /a-0\" rc=\"302\" rm=\"Found\" tn=\"Users 1-1\" dt=\"text\" by=\"120\"/>
</httpSample>
<sample t=\"7\" lt=\"0\" ts=\"1795370152000\" s=\"false\" lb=\"JDBC\" rc=\"Z\" rm=\"ERROR\" tn=\"Users 1-1\" dt=\"text\" by=\"0\"/>
</testResults>
",
};

impl Format for JmeterXml {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn sniff(&self, head: &[u8]) -> Verdict {
        match memmem::find(&head[..head.len().min(1024)], b"<testResults") {
            Some(_) => Verdict::new(99, "the element testResults"),
            None => Verdict::NO,
        }
    }

    fn open(&self, _head: &[u8], options: &Options) -> Result<Box<dyn Decoder>, OpenError> {
        Ok(Box::new(Document { stamp: options.stamp.unwrap_or(Stamp::Start) }))
    }
}

struct Document {
    stamp: Stamp,
}

impl Decoder for Document {
    fn facts(&self) -> Facts {
        super::facts("", false, self.stamp)
    }

    /// Only from the top is it known what lies within what.
    fn boundary(&self) -> Boundary {
        Boundary::Whole
    }

    fn decode(&self, chunk: Chunk<'_>, batch: &mut Batch) {
        let bytes = chunk.bytes;
        let mut open: Vec<Open> = Vec::new();
        let (mut at, mut line, mut counted) = (0, 0u32, 0);
        while let Some(found) = memchr(b'<', &bytes[at..]) {
            let start = at + found;
            let rest = &bytes[start..];
            at = start + 1;
            if rest.starts_with(b"</httpSample>") || rest.starts_with(b"</sample>") {
                open.pop();
                continue;
            }
            if rest.starts_with(b"<!--") {
                at = memmem::find(rest, b"-->").map_or(bytes.len(), |end| start + end);
                continue;
            }
            let Some(attributes) = sample_tag(rest) else { continue };
            line += memchr_iter(b'\n', &bytes[counted..start]).count() as u32;
            counted = start;
            let offset = chunk.offset + start as u64;
            batch.record(offset, line);
            match self.read(attributes, offset, &open, batch) {
                Ok((own, closed, len)) => {
                    at = start + (rest.len() - attributes.len()) + len;
                    if !closed {
                        open.push(own);
                    }
                }
                Err(reason) => {
                    let len = memchr3(b'>', b'\n', b'<', &rest[1..]).map_or(rest.len(), |end| end + 1);
                    batch.reject(len, if len == rest.len() { Reason::Truncated } else { reason });
                    // Its end tag must close something, or all that follows would be misplaced.
                    let closed = rest[len - 1] == b'/';
                    if let Some(&parent) = open.last().filter(|_| !closed) {
                        open.push(parent);
                    } else if !closed {
                        open.push(Open { trace: None, span: offset + 1, groups: false });
                    }
                }
            }
        }
        line += memchr_iter(b'\n', &bytes[counted..]).count() as u32;
        batch.lines = line + u32::from(!bytes.is_empty() && !bytes.ends_with(b"\n"));
    }
}

/// A sample whose end tag has not come.
#[derive(Clone, Copy)]
struct Open {
    trace: Option<Id>,
    span: u64,
    /// It only groups the samples within it.
    groups: bool,
}

impl Document {
    /// Reads the attributes of a sample. Gives its place in the tree, whether it closes itself, and
    /// the length read.
    fn read(&self, attributes: &[u8], offset: u64, open: &[Open], batch: &mut Batch) -> Result<(Open, bool, usize), Reason> {
        let mut values: [Cow<'_, [u8]>; 12] = [const { Cow::Borrowed(&[]) }; 12];
        let mut rest = attributes.trim_ascii_start();
        let closed = loop {
            match rest {
                [b'>', ..] => break false,
                [b'/', b'>', ..] => break true,
                [] => return Err(Reason::Truncated),
                _ => {}
            }
            let (name, value, after) = attribute(rest).ok_or(Reason::Shape)?;
            if let Some(slot) = NAMES.iter().position(|&n| n == name) {
                values[slot] = unescape(value);
            }
            rest = after.trim_ascii_start();
        };
        let len = attributes.len() - rest.len() + if closed { 2 } else { 1 };
        let [stamp, elapsed, latency, connect, label, code, message, thread, success, bytes, count, host] = &values;
        let sample = Sample { stamp, elapsed, latency, connect, label, code, message, thread, success, bytes, count, host };
        let mut op = sample.read(self.stamp)?;
        let parent = open.last().filter(|parent| !parent.groups);
        // The log has no ids; place and time stand in for them, so that children find their parents.
        let key = [stamp.as_ref(), b" ", thread.as_ref(), b" ", offset.to_string().as_bytes()].concat();
        let own = Open {
            trace: parent.map_or_else(|| Id::parse(&key), |parent| parent.trace),
            span: offset + 1,
            groups: op.kind == Kind::Internal,
        };
        op.trace = own.trace;
        op.span = Some(own.span);
        op.parent_span = parent.map(|parent| parent.span);
        batch.push(&op);
        Ok((own, closed, len))
    }
}

/// Attributes in the order of the fields of a sample.
const NAMES: [&[u8]; 12] = [b"ts", b"t", b"lt", b"ct", b"lb", b"rc", b"rm", b"tn", b"s", b"by", b"sc", b"hn"];

/// What follows the name of a sample's start tag.
fn sample_tag(text: &[u8]) -> Option<&[u8]> {
    let rest = text.strip_prefix(b"<httpSample").or_else(|| text.strip_prefix(b"<sample"))?;
    rest.first().is_some_and(u8::is_ascii_whitespace).then_some(rest)
}

/// `name="value"` and what follows. A value holds no `<`, so that a quote that never closes costs
/// no more than its own element.
fn attribute(text: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let equals = text.iter().take(64).position(|&b| b == b'=')?;
    let name = text[..equals].trim_ascii();
    if !name.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b':' | b'.')) {
        return None;
    }
    let value = text[equals + 1..].trim_ascii_start();
    let quote = *value.first().filter(|b| matches!(b, b'"' | b'\''))?;
    let body = &value[1..];
    let end = memchr2(quote, b'<', body).filter(|&end| body[end] == quote)?;
    Some((name, &body[..end], &body[end + 1..]))
}

/// A text with its entities replaced; unknown ones stay as they are.
fn unescape(text: &[u8]) -> Cow<'_, [u8]> {
    if memchr(b'&', text).is_none() {
        return Cow::Borrowed(text);
    }
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memchr(b'&', rest) {
        out.extend_from_slice(&rest[..at]);
        rest = &rest[at..];
        let end = memchr(b';', &rest[..rest.len().min(12)]);
        match end.and_then(|end| Some((entity(&rest[1..end])?, end))) {
            Some((c, end)) => {
                out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                rest = &rest[end + 1..];
            }
            None => {
                out.push(b'&');
                rest = &rest[1..];
            }
        }
    }
    out.extend_from_slice(rest);
    Cow::Owned(out)
}

fn entity(name: &[u8]) -> Option<char> {
    Some(match name {
        b"amp" => '&',
        b"lt" => '<',
        b"gt" => '>',
        b"quot" => '"',
        b"apos" => '\'',
        [b'#', b'x', hex @ ..] => char::from_u32(u32::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok()?)?,
        [b'#', digits @ ..] => char::from_u32(std::str::from_utf8(digits).ok()?.parse().ok()?)?,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entities_are_replaced_and_broken_ones_stay() {
        assert_eq!(unescape(b"a &lt;b&gt; &amp;&#x41;&#66; &nope; &").as_ref(), b"a <b> &AB &nope; &");
    }

    #[test]
    fn a_child_knows_its_parent_at_any_depth() {
        let text = format!("<testResults>{}", "<sample t=\"1\" ts=\"1795370151000\" lb=\"x\">".repeat(100_000));
        let chunk = Chunk::whole(text.as_bytes());
        let mut batch = Batch::new(&chunk);
        Document { stamp: Stamp::Start }.decode(chunk, &mut batch);
        assert_eq!((batch.len(), batch.rejects.len()), (100_000, 0));
        assert_eq!(batch.parent_span.get(99_999), batch.span.get(99_998));
        assert_eq!(batch.trace.get(99_999), batch.trace.get(0));
    }
}
