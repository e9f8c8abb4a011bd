//! Any line that a regular expression with named groups takes apart, as told by the user.
//!
//! A group is named after a field, with the unit behind it: `duration_ms`, `db_us`, `upstream_s`.
//! Syntax: <https://docs.rs/regex/latest/regex/#syntax>.

use std::collections::BTreeMap;

use regex::bytes::Regex;

use super::fields::{Field, Key, Layout, Mapping, Values, settle, unit_suffix};
use super::json_lines::lines;
use crate::lines::{Memo, each_line};
use crate::{Batch, Boundary, Chunk, Decoder, Facts, Family, Format, OpenError, Options, Reason, Spec, Stamp, Verdict};

/// The format.
pub(super) struct Custom;

static SPEC: Spec = Spec {
    name: "custom",
    family: Family::Access,
    title: "any line, by a regular expression with named groups: (?P<time>...) (?P<path>...) (?P<duration_ms>...)",
    source: "https://docs.rs/regex/latest/regex/#syntax",
    stamp: Stamp::End,
    unit: None,
    resolution_ns: 1_000_000,
    sample: "2026-11-22T17:55:51.653Z GET /api/cart 200 18 db=7\n2026-11-22T17:55:52.001Z POST /api/pay 503 3 db=-\n",
};

const SAMPLE_LAYOUT: &str =
    r"^(?P<time>\S+) (?P<method>[A-Z]+) (?P<path>\S+) (?P<status>\d+) (?P<duration_ms>\S+) db=(?P<db_ms>\S+)$";

/// Lines looked at to settle the layout.
const HEAD_LINES: usize = 400;

impl Format for Custom {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn sample_layout(&self) -> Option<&'static str> {
        Some(SAMPLE_LAYOUT)
    }

    fn sniff(&self, _: &[u8]) -> Verdict {
        Verdict::NO
    }

    fn takes_layout(&self, layout: &str) -> bool {
        (layout.contains("(?P<") || layout.contains("(?<")) && Regex::new(layout).is_ok()
    }

    fn open(&self, head: &[u8], options: &Options) -> Result<Box<dyn Decoder>, OpenError> {
        let Some(layout) = &options.layout else {
            return Err(OpenError::new("`custom` needs a regular expression with named groups as its layout"));
        };
        let regex = Regex::new(layout).map_err(|error| OpenError::new(format!("the expression does not compile: {error}")))?;
        let mut groups: Vec<Group> = regex.capture_names().enumerate().filter_map(|(i, name)| Group::named(i, name?)).collect();
        let read: Vec<_> = groups.iter().map(Group::mapping).collect();
        let others: Vec<String> =
            groups.iter().zip(&read).filter(|(_, read)| read.is_err()).map(|(group, _)| group.name()).collect();
        let (known, unknown): (Vec<_>, Vec<_>) = read.into_iter().partition(Result::is_ok);
        let mappings: Vec<Mapping> = known.into_iter().flatten().collect();
        groups.retain(|group| !others.contains(&group.name()));
        if mappings.is_empty() {
            if let Some(Err(error)) = unknown.into_iter().next() {
                return Err(error);
            }
            return Err(OpenError::new(
                "the expression has no named group; name them as in (?P<path>\\S+) (?P<duration_ms>\\d+)",
            ));
        }
        let mut records = 0;
        for captures in lines(head).take(HEAD_LINES).filter_map(|line| regex.captures(line)) {
            for group in &mut groups {
                if let Some(text) = captures.get(group.index) {
                    group.key.values.insert(records, text.as_bytes().to_vec());
                }
            }
            records += 1;
        }
        if records == 0 {
            return Err(OpenError::new("the expression matches none of the first lines"));
        }
        let fields: Vec<_> = groups.iter().zip(&mappings).map(|(group, mapping)| (group.index, mapping.field)).collect();
        let keys: Vec<Key> = groups.into_iter().map(|group| group.key).collect();
        let mut settled = settle(&keys, records, &mappings, options)?;
        // A length of time whose unit stayed open is left out; the report says so.
        let fields = fields.into_iter().filter(|(_, field)| settled.sources.iter().any(|source| source.field == *field));
        let fields = fields.collect();
        settled.facts.layout.clone_from(layout);
        if !others.is_empty() {
            let known = Field::ALL.map(|field| field.1).join(", ");
            settled.facts.assumptions.push(format!(
                "Groups that are no field were passed over: {}; there are {known}, times with _ns, _us, _ms or _s.",
                others.join(", ")
            ));
        }
        Ok(Box::new(CustomDecoder { regex, fields, layout: settled }))
    }
}

/// A named group of the expression.
struct Group {
    index: usize,
    key: Key,
}

impl Group {
    fn named(index: usize, name: &str) -> Option<Group> {
        Some(Group { index, key: Key { path: vec![name.as_bytes().to_vec()], values: BTreeMap::new() } })
    }

    fn name(&self) -> String {
        String::from_utf8_lossy(&self.key.path.concat()).into_owned()
    }

    fn mapping(&self) -> Result<Mapping, OpenError> {
        let name = self.name();
        if let Some(field) = Field::named(&name) {
            return Ok(Mapping { field, key: name, unit: None });
        }
        let with_unit = unit_suffix(&name).and_then(|(stem, unit)| Some((Field::named(stem).filter(|f| f.is_span())?, unit)));
        match with_unit {
            Some((field, unit)) => Ok(Mapping { field, key: name, unit: Some(unit) }),
            None => {
                let known: Vec<_> = Field::ALL.iter().map(|f| f.1).collect();
                let known = known.join(", ");
                Err(OpenError::new(format!("no field for the group `{name}`; there are {known}, times with _ns, _us, _ms or _s")))
            }
        }
    }
}

struct CustomDecoder {
    regex: Regex,
    /// Group numbers with the field that each feeds.
    fields: Vec<(usize, Field)>,
    layout: Layout,
}

impl Decoder for CustomDecoder {
    fn facts(&self) -> Facts {
        self.layout.facts.clone()
    }

    fn boundary(&self) -> Boundary {
        Boundary::Line
    }

    fn decode(&self, chunk: Chunk<'_>, batch: &mut Batch) {
        let mut memo = Memo::default();
        let mut places = self.regex.capture_locations();
        each_line(chunk, batch, |line, batch| {
            self.regex.captures_read(&mut places, line).ok_or(Reason::Shape)?;
            let mut values = Values::new();
            for &(group, field) in &self.fields {
                if let Some((start, end)) = places.get(group) {
                    values.set(field, &line[start..end]);
                }
            }
            self.layout.push(&values, &mut memo, batch).map(drop)
        });
    }
}
