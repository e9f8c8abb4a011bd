//! The keys of a log's first lines, nested ones by their path.

use std::collections::BTreeMap;

use crate::access::fields::Key;
use crate::scan::json::{Value, Walk, Walker};

/// Objects are looked into this deep; deeper ones hold no field of a request.
const MAX_DEPTH: usize = 6;

/// Keys with their values, in the order seen, and the number of lines that are JSON objects.
pub(in crate::access) struct Seen {
    /// The keys that hold a text or a number in some line.
    pub(in crate::access) keys: Vec<Key>,
    /// Lines that are objects.
    pub(in crate::access) objects: usize,
}

/// Reads every line; one that is no JSON object counts for nothing.
pub(super) fn seen_in<'a>(lines: impl Iterator<Item = &'a [u8]>) -> Seen {
    let mut seen = Seen { keys: Vec::new(), objects: 0 };
    let mut places = BTreeMap::new();
    for line in lines {
        let mut flat = Vec::new();
        let mut walker = Walker::new(line);
        if walker.peek() != b'{' || flatten(&mut walker, &mut Vec::new(), &mut flat).is_err() {
            continue;
        }
        for (path, value) in flat {
            let place = *places.entry(path.clone()).or_insert_with(|| {
                seen.keys.push(Key { path, values: BTreeMap::new() });
                seen.keys.len() - 1
            });
            seen.keys[place].values.insert(seen.objects, value);
        }
        seen.objects += 1;
    }
    seen
}

type Flat = Vec<(Vec<Vec<u8>>, Vec<u8>)>;

fn flatten(walker: &mut Walker<'_>, path: &mut Vec<Vec<u8>>, flat: &mut Flat) -> Walk<()> {
    walker.object(|w, key| {
        path.push(key.text().into_owned());
        match w.value()? {
            Value::Object if path.len() < MAX_DEPTH => flatten(w, path, flat)?,
            Value::Object | Value::Array => {
                w.skip()?;
            }
            Value::String(text) => flat.push((path.clone(), text.text().into_owned())),
            Value::Number(text) => flat.push((path.clone(), text.to_vec())),
            Value::Null | Value::Bool(_) => {}
        }
        path.pop();
        Ok(())
    })
}
