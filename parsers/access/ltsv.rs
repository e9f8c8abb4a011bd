//! Labelled tab-separated values: `label:value` fields between tabs. A value may hold colons.
//!
//! Definition: <http://ltsv.org>; units go by the label.

use std::collections::BTreeMap;

use hashbrown::HashMap;
use memchr::memchr;

use super::fields::{Field, Key, Layout, Mapping, Values, settle};
use super::json_lines::lines;
use crate::lines::{LineDecoder, Memo};
use crate::{Batch, Decoder, Facts, Family, Format, OpenError, Options, Reason, Spec, Stamp, Unit, Verdict};

/// The format.
pub(super) struct Ltsv;

static SPEC: Spec = Spec {
    name: "ltsv",
    family: Family::Access,
    title: "LTSV access log, or mapped by `name=label,duration=label:ms,...`",
    source: "https://github.com/ltsv/ltsv.github.com",
    stamp: Stamp::End,
    unit: Some(Unit::Seconds),
    resolution_ns: 1_000_000,
    sample: "time:22/Nov/2026:17:55:51 +0000\thost:10.0.0.9\treq:GET /api/cart?at=17:55 HTTP/1.1\tmethod:GET\turi:/api/cart?at=17:55\t\
             status:200\tsize:512\treqtime:0.018\tconntime:0.001\tapptime:0.017\treqid:cc21d9b0cf5c432b8c7e98aeb7988cd2\n\
             time:22/Nov/2026:17:55:52 +0000\thost:10.0.0.9\treq:GET /a.css HTTP/1.1\tmethod:GET\turi:/a.css\t\
             status:304\tsize:0\treqtime:0.000\tconntime:-\tapptime:-\treqid:dd21d9b0cf5c432b8c7e98aeb7988cd2\n",
};

/// Lines looked at to settle the layout.
const HEAD_LINES: usize = 400;
/// Lines looked at to judge.
const SNIFF_LINES: usize = 40;

impl Format for Ltsv {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn sniff(&self, head: &[u8]) -> Verdict {
        let total = lines(head).take(SNIFF_LINES).count();
        let keys = keys(lines(head).take(SNIFF_LINES));
        if total == 0 || keys.records * 10 < total * 6 {
            return Verdict::NO;
        }
        let layout = match settle(&keys.keys, keys.records, &[], &Options::default()) {
            Ok(layout) => layout,
            Err(_) => return Verdict::NO,
        };
        let has = |wanted: &[Field]| layout.sources.iter().any(|source| wanted.contains(&source.field));
        let timed = has(&[Field::Time, Field::Start, Field::End]);
        let request = has(&[Field::Name, Field::Request, Field::Route]) && has(&[Field::Method, Field::Status, Field::Request]);
        if !timed || !request {
            return Verdict::NO;
        }
        Verdict::new(88, format!("{} of {total} lines are labelled fields: {}", keys.records, layout.facts.layout))
    }

    fn open(&self, head: &[u8], options: &Options) -> Result<Box<dyn Decoder>, OpenError> {
        let mappings = Mapping::parse_all(options.layout.as_deref().unwrap_or_default())?;
        let keys = keys(lines(head).take(HEAD_LINES));
        if keys.records == 0 {
            return Err(OpenError::new("no line has labelled fields between tabs"));
        }
        let layout = settle(&keys.keys, keys.records, &mappings, options)?;
        Ok(Box::new(LtsvDecoder::new(layout, &keys.keys)))
    }
}

struct Labels {
    keys: Vec<Key>,
    records: usize,
}

/// The labels of the first lines with their values.
fn keys<'a>(lines: impl Iterator<Item = &'a [u8]>) -> Labels {
    let mut labels = Labels { keys: Vec::new(), records: 0 };
    let mut places: HashMap<&[u8], usize> = HashMap::new();
    for line in lines {
        let fields: Option<Vec<_>> = line.split(|&b| b == b'\t').map(labelled).collect();
        let Some(fields) = fields.filter(|fields| fields.len() >= 3) else { continue };
        for (label, value) in fields {
            let place = *places.entry(label).or_insert_with(|| {
                labels.keys.push(Key { path: vec![label.to_vec()], values: BTreeMap::new() });
                labels.keys.len() - 1
            });
            labels.keys[place].values.insert(labels.records, value.to_vec());
        }
        labels.records += 1;
    }
    labels
}

/// A field's label and value. Labels hold letters, digits, `_`, `.` and `-`.
fn labelled(field: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = memchr(b':', field)?;
    let label = &field[..colon];
    let fit = !label.is_empty() && label.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'));
    fit.then(|| (label, &field[colon + 1..]))
}

struct LtsvDecoder {
    layout: Layout,
    fields: HashMap<Vec<u8>, Field>,
    /// Labels with their colon in the usual order, with the field that each feeds.
    usual: Vec<(Vec<u8>, Option<Field>)>,
}

impl LtsvDecoder {
    fn new(layout: Layout, keys: &[Key]) -> LtsvDecoder {
        let fields: HashMap<Vec<u8>, Field> = layout.sources.iter().map(|s| (s.path.concat(), s.field)).collect();
        let usual = keys.iter().map(|key| {
            let label = key.path.concat();
            let field = fields.get(&label).copied();
            ([label, b":".to_vec()].concat(), field)
        });
        LtsvDecoder { usual: usual.collect(), layout, fields }
    }
}

impl LineDecoder for LtsvDecoder {
    fn facts(&self) -> Facts {
        self.layout.facts.clone()
    }

    fn line(&self, line: &[u8], memo: &mut Memo, batch: &mut Batch) -> Result<(), Reason> {
        let mut values = Values::new();
        let (mut rest, mut step, mut labelled_fields) = (line, 0, 0);
        loop {
            let len = memchr(b'\t', rest).unwrap_or(rest.len());
            let text = &rest[..len];
            match self.usual.get(step).and_then(|(label, field)| Some((text.strip_prefix(&**label)?, field))) {
                Some((value, field)) => {
                    labelled_fields += 1;
                    if let Some(field) = field {
                        values.set(*field, value);
                    }
                }
                None => {
                    if let Some((label, value)) = labelled(text) {
                        labelled_fields += 1;
                        if let Some(&field) = self.fields.get(label) {
                            values.set(field, value);
                        }
                    }
                }
            }
            step += 1;
            if len == rest.len() {
                break;
            }
            rest = &rest[len + 1..];
        }
        if labelled_fields < 2 {
            return Err(Reason::Shape);
        }
        // There is no chatter in LTSV: a line without its last fields is a damaged one.
        match self.layout.push(&values, memo, batch)? {
            true => Ok(()),
            false => Err(Reason::Shape),
        }
    }
}
