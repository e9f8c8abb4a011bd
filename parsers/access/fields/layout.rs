//! Which key feeds which field, and how that is written: `name=uri,duration=took:ms,time=ts`.

use super::Field;
use crate::scan::duration::unit_of;
use crate::{Facts, Nanos, OpenError, Stamp, Unit};

/// How a field's numbers become nanoseconds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::access) enum Scale {
    /// Each is worth so many.
    Fixed(Nanos),
    /// Each value names its unit.
    InValue,
}

/// A key that feeds a field.
#[derive(Clone, Debug)]
pub(in crate::access) struct Source {
    /// The field.
    pub(in crate::access) field: Field,
    /// Names of the objects down to the value.
    pub(in crate::access) path: Vec<Vec<u8>>,
    /// Unit of its numbers, where it holds a length of time.
    pub(in crate::access) scale: Scale,
}

/// A key as told by the user.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in crate::access) struct Mapping {
    /// The field.
    pub(in crate::access) field: Field,
    /// The key, nested names joined by dots.
    pub(in crate::access) key: String,
    /// The unit, where it is told.
    pub(in crate::access) unit: Option<Unit>,
}

impl Mapping {
    /// Reads a layout.
    pub(in crate::access) fn parse_all(layout: &str) -> Result<Vec<Mapping>, OpenError> {
        layout.split(',').map(str::trim).filter(|one| !one.is_empty()).map(Mapping::parse).collect()
    }

    fn parse(one: &str) -> Result<Mapping, OpenError> {
        let (name, key) = one
            .split_once('=')
            .ok_or_else(|| OpenError::new(format!("`{one}` is no mapping; write name=key or duration=key:ms")))?;
        let field = Field::named(name.trim()).ok_or_else(|| {
            let known: Vec<_> = Field::ALL.iter().map(|f| f.1).collect();
            OpenError::new(format!("no field `{}`; there are {}", name.trim(), known.join(", ")))
        })?;
        let (key, unit) = match key.rsplit_once(':') {
            Some((key, unit)) if field.is_span() => {
                let read = unit_named(unit.trim());
                (key, Some(read.ok_or_else(|| OpenError::new(format!("no unit `{unit}`; there are ns, us, ms and s")))?))
            }
            _ => (key, None),
        };
        Ok(Mapping { field, key: key.trim().to_owned(), unit })
    }
}

/// A unit by its symbol or name.
pub(super) fn unit_named(name: &str) -> Option<Unit> {
    match unit_of(name.as_bytes())? {
        1 => Some(Unit::Nanos),
        1_000 => Some(Unit::Micros),
        1_000_000 => Some(Unit::Millis),
        1_000_000_000 => Some(Unit::Seconds),
        _ => None,
    }
}

/// What was settled about a log of named fields.
#[derive(Clone, Debug)]
pub(in crate::access) struct Layout {
    /// The keys that are read. Of several for one field the last in a record counts.
    pub(in crate::access) sources: Vec<Source>,
    /// For the report.
    pub(in crate::access) facts: Facts,
    /// Whether a bare timestamp marks the start.
    pub(super) time_is_start: bool,
    /// Whether each record that names a target is a request, however little it says: so it is when
    /// the user has told the layout.
    pub(super) all_requests: bool,
    scales: [Scale; Field::COUNT],
    has: u32,
}

impl Layout {
    /// A layout of these keys. `facts.stamp` says what a bare timestamp marks.
    pub(in crate::access) fn new(sources: Vec<Source>, mut facts: Facts) -> Self {
        let mut scales = [Scale::InValue; Field::COUNT];
        let mut has = 0;
        for source in &sources {
            scales[source.field as usize] = source.scale;
            has |= 1 << source.field as u32;
        }
        facts.layout = written(&sources);
        Layout { sources, time_is_start: facts.stamp == Some(Stamp::Start), all_requests: false, facts, scales, has }
    }

    /// The same with another scale for a field.
    pub(in crate::access) fn with_scale(mut self, field: Field, scale: Scale) -> Self {
        for source in self.sources.iter_mut().filter(|source| source.field == field) {
            source.scale = scale;
        }
        let time_is_start = self.time_is_start;
        Layout { time_is_start, ..Layout::new(self.sources, self.facts) }
    }

    /// Whether a key feeds the field.
    #[inline]
    pub(super) fn has(&self, field: Field) -> bool {
        self.has & 1 << field as u32 != 0
    }

    /// Whether any key feeds a part.
    #[inline]
    pub(super) fn has_parts(&self) -> bool {
        self.has >> Field::Queue as u32 != 0
    }

    #[inline]
    pub(super) fn scale(&self, field: Field) -> Scale {
        self.scales[field as usize]
    }
}

fn written(sources: &[Source]) -> String {
    let mut sources: Vec<_> = sources.iter().collect();
    sources.sort_by_key(|source| source.field as u8);
    let one = |source: &Source| {
        let key = String::from_utf8_lossy(&source.path.join(&b'.')).into_owned();
        let unit = match source.scale {
            Scale::Fixed(1) => ":ns",
            Scale::Fixed(1_000) => ":us",
            Scale::Fixed(1_000_000) => ":ms",
            Scale::Fixed(_) => ":s",
            Scale::InValue => "",
        };
        format!("{}={key}{}", source.field.name(), if source.field.is_span() { unit } else { "" })
    };
    sources.into_iter().map(one).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layout_maps_fields_to_keys_with_units() {
        let got = Mapping::parse_all("path=http.url, duration=cost:us,time=at").expect("a layout");
        let mapping = |field, key: &str, unit| Mapping { field, key: key.to_owned(), unit };
        let want = [
            mapping(Field::Name, "http.url", None),
            mapping(Field::Duration, "cost", Some(Unit::Micros)),
            mapping(Field::Time, "at", None),
        ];
        assert_eq!(got, want);
    }

    #[test]
    fn a_layout_that_does_not_compile_says_why() {
        for (layout, want) in [("name", "no mapping"), ("colour=x", "no field `colour`"), ("duration=x:parsec", "no unit")] {
            let error = Mapping::parse_all(layout).expect_err(layout);
            assert!(error.message.contains(want), "{}", error.message);
        }
    }
}
