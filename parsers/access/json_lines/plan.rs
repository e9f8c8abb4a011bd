//! Reads the fields of a layout out of one JSON object a line.
//!
//! Writers emit the same keys in the same order line after line, so each step first compares the
//! bytes from one value to the next with those seen in the first lines; only where they differ is
//! the key read and looked up. What no field needs is skipped unread.

use hashbrown::HashMap;

use crate::Reason;
use crate::access::fields::{Field, Layout, Values};
use crate::scan::json::{Malformed, Value, Walk, Walker};

/// Nested objects are entered this deep, which is deeper than any log needs.
const MAX_DEPTH: usize = 8;

/// How to walk the objects of a log.
#[derive(Default)]
pub(in crate::access) struct Plan {
    /// The object itself first; the others are nested in it.
    nodes: Vec<Node>,
}

/// What an object may hold.
#[derive(Default)]
struct Node {
    keys: HashMap<Vec<u8>, Target>,
    steps: Vec<Step>,
}

/// What is done with a key's value. Both may be set where a key holds now a text, now an object.
#[derive(Clone, Copy, Debug, Default)]
struct Target {
    field: Option<Field>,
    node: Option<usize>,
    /// The step after this key's, where the key is one of the usual ones.
    next: Option<usize>,
}

/// The next usual key.
struct Step {
    /// The bytes from the end of the value before to the start of this one.
    lead: Vec<u8>,
    target: Target,
}

impl Plan {
    /// A plan for the layout, with the usual order of keys learned from the lines.
    pub(in crate::access) fn new<'a>(layout: &Layout, lines: impl Iterator<Item = &'a [u8]>) -> Plan {
        let mut plan = Plan { nodes: vec![Node::default()] };
        for source in &layout.sources {
            plan.add(&source.path, source.field);
            if source.path.len() > 1 {
                // Some writers flatten: `"http.method": "GET"` beside `"http": {"method": "GET"}`.
                plan.add(&[source.path.join(&b'.')], source.field);
            }
        }
        let longest = lines.max_by_key(|line| line.iter().filter(|&&b| b == b':').count());
        if let Some(line) = longest {
            // A line that is no JSON teaches nothing.
            let _ = plan.learn(0, &mut Walker::new(line));
        }
        plan
    }

    fn add(&mut self, path: &[Vec<u8>], field: Field) {
        let mut at = 0;
        for (depth, name) in path.iter().take(MAX_DEPTH).enumerate() {
            let fresh = self.nodes.len();
            let target = self.nodes[at].keys.entry(name.clone()).or_default();
            if depth + 1 == path.len() {
                target.field = Some(field);
                return;
            }
            at = *target.node.get_or_insert(fresh);
            if at == fresh {
                self.nodes.push(Node::default());
            }
        }
    }

    /// Notes the order of keys of an object.
    fn learn(&mut self, node: usize, walker: &mut Walker<'_>) -> Walk<()> {
        let open = walker.peek() == b'{';
        let mut from = walker.position() + usize::from(open);
        let mut steps = Vec::new();
        walker.clone().object(|w, key| {
            w.peek();
            let lead = w.between(from..w.position()).to_vec();
            let name = key.text().into_owned();
            let known = self.nodes[node].keys.get_mut(&name).map(|target| {
                target.next = Some(steps.len() + 1);
                *target
            });
            steps.push(Step { lead, target: known.unwrap_or_default() });
            if let (b'{', Some(inner)) = (w.peek(), known.and_then(|target| target.node)) {
                self.learn(inner, &mut w.clone())?;
            }
            w.skip()?;
            from = w.position();
            Ok(())
        })?;
        self.nodes[node].steps = steps;
        Ok(())
    }

    /// Reads one line.
    ///
    /// # Errors
    /// [`Reason::Truncated`] when the object does not end, [`Reason::Shape`] when there is none or
    /// something follows it.
    #[inline]
    pub(in crate::access) fn read<'a>(&self, line: &'a [u8], values: &mut Values<'a>) -> Result<(), Reason> {
        let mut walker = Walker::new(line);
        if walker.peek() != b'{' {
            return Err(Reason::Shape);
        }
        match self.object(0, &mut walker, values) {
            Ok(()) if walker.peek() == 0 && walker.position() >= line.len() => Ok(()),
            Ok(()) => Err(Reason::Shape),
            Err(malformed) => Err(cut_off(line, malformed)),
        }
    }

    /// Reads an object. Calls itself only as deep as the layout's keys are nested.
    fn object<'a>(&self, node: usize, walker: &mut Walker<'a>, values: &mut Values<'a>) -> Walk<()> {
        let Some(node) = self.nodes.get(node) else { return walker.skip().map(drop) };
        walker.expect(b'{')?;
        let (mut step, mut first) = (0, true);
        loop {
            let target = match node.steps.get(step) {
                Some(usual) if walker.take(&usual.lead) => {
                    step += 1;
                    usual.target
                }
                _ => match walker.peek() {
                    b'}' => return walker.expect(b'}'),
                    _ => {
                        if !first {
                            walker.expect(b',')?;
                        }
                        let key = walker.string()?;
                        walker.expect(b':')?;
                        let target = node.keys.get(&*key.text()).copied().unwrap_or_default();
                        step = target.next.unwrap_or(step);
                        target
                    }
                },
            };
            first = false;
            self.value(target, walker, values)?;
        }
    }

    #[inline]
    fn value<'a>(&self, target: Target, walker: &mut Walker<'a>, values: &mut Values<'a>) -> Walk<()> {
        let Some(field) = target.field else {
            return match (target.node, walker.peek()) {
                (Some(node), b'{') => self.object(node, walker, values),
                _ => walker.skip().map(drop),
            };
        };
        match walker.value()? {
            Value::String(text) => values.set_string(field, text),
            Value::Number(text) => values.set(field, text),
            Value::Null => {}
            Value::Bool(_) => values.set_wrong(field),
            Value::Object if target.node.is_some() => return self.object(target.node.unwrap_or(0), walker, values),
            Value::Object => {
                walker.skip()?;
                values.set_wrong(field);
            }
            Value::Array => {
                // Go writes headers as lists; the first is the one that counts.
                values.set_wrong(field);
                let mut first = true;
                walker.array(|w| {
                    match w.value()? {
                        Value::String(text) if first => values.set_string(field, text),
                        Value::Number(text) if first => values.set(field, text),
                        Value::Object | Value::Array => {
                            w.skip()?;
                        }
                        _ => {}
                    }
                    first = false;
                    Ok(())
                })?;
            }
        }
        Ok(())
    }
}

/// A line that breaks off within the object is cut; any other is misshapen.
fn cut_off(line: &[u8], malformed: Malformed) -> Reason {
    let unclosed = line.last() != Some(&b'}') || malformed.at >= line.len();
    if unclosed { Reason::Truncated } else { Reason::Shape }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::fields::{Scale, Source};
    use crate::lines::Memo;
    use crate::{Batch, Chunk, Facts};

    fn source(field: Field, path: &[&str]) -> Source {
        Source { field, path: path.iter().map(|p| p.as_bytes().to_vec()).collect(), scale: Scale::Fixed(1_000_000) }
    }

    /// Name, status and duration.
    type Row = (Option<Vec<u8>>, Option<u16>, Option<i64>);

    fn read(learned: &str, line: &str) -> Result<Row, Reason> {
        let sources =
            vec![source(Field::Name, &["req", "url"]), source(Field::Status, &["status"]), source(Field::Duration, &["ms"])];
        let layout = Layout::new(sources, Facts::default());
        let plan = Plan::new(&layout, [learned.as_bytes()].into_iter());
        let chunk = Chunk::whole(line.as_bytes());
        let mut batch = Batch::new(&chunk);
        let mut values = Values::new();
        plan.read(chunk.bytes, &mut values)?;
        layout.push(&values, &mut Memo::default(), &mut batch)?;
        Ok((batch.name.get(0, chunk.bytes).map(<[u8]>::to_vec), batch.status.get(0), batch.duration.get(0)))
    }

    #[test]
    fn the_order_of_keys_makes_no_difference() {
        let usual = r#"{"x":1,"req":{"id":4,"url":"/a"},"status":200,"y":"z","ms":7}"#;
        let want = Ok((Some(b"/a".to_vec()), Some(200), Some(7_000_000)));
        for line in [
            usual,
            r#"{"ms":7,"status":200,"req":{"url":"/a"}}"#,
            r#" { "x" : 1 , "req" : { "url" : "/a" } , "status" : "200" , "ms" : 7.0 } "#,
            r#"{"status":500,"req":{"url":"/b"},"status":200,"new":{"a":[{}]},"ms":7,"req":{"url":"/a"}}"#,
            r#"{"req.url":"\/a","ms":"7","status":200}"#,
        ] {
            assert_eq!(read(usual, line), want, "{line}");
            assert_eq!(read("", line), want, "{line}, nothing learned");
        }
    }

    #[test]
    fn broken_lines_have_their_reason() {
        let usual = r#"{"req":{"url":"/a"},"status":200,"ms":7}"#;
        assert_eq!(read(usual, r#"{"req":{"url":"/a"},"status":2"#), Err(Reason::Truncated));
        assert_eq!(read(usual, r#"{"req":{"url":"/a"},"status":200,"ms":7} x"#), Err(Reason::Shape));
        assert_eq!(read(usual, r#"{"req":{"url":"/a"},"status":{},"ms":7}"#), Err(Reason::Number));
        assert_eq!(read(usual, r#"{"req":{"url":true},"status":200,"ms":7}"#), Err(Reason::Shape));
        assert_eq!(read(usual, r#"{"req":{"url":"/a"},"status":200,"ms":-7}"#), Err(Reason::Duration));
        assert_eq!(read(usual, "not json"), Err(Reason::Shape));
    }
}
