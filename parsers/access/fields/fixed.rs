//! Layouts of servers that always write the same keys.

use super::settle::note_stamps;
use super::{Field, Key, Layout, Scale, Source};
use crate::{Facts, Spec, Stamp};

/// The layout of a server: its keys, nested names joined by dots. Lengths of time are of `spec`'s
/// unit; without one each value names its own. `seen` are the keys of the first records.
pub(in crate::access) fn fixed(spec: &Spec, keys: &[(Field, &str)], seen: &[Key]) -> Layout {
    let scale = spec.unit.map_or(Scale::InValue, |unit| Scale::Fixed(unit.nanos()));
    let source = |(field, key): &(Field, &str)| Source {
        field: *field,
        path: key.split('.').map(|name| name.as_bytes().to_vec()).collect(),
        scale,
    };
    let mut facts = Facts { stamp: Some(spec.stamp), unit: spec.unit, resolution_ns: spec.resolution_ns, ..Facts::default() };
    let sources: Vec<Source> = keys.iter().map(source).collect();
    let mut moments = sources.iter().filter(|source| source.field.is_moment());
    if let Some(key) = moments.find_map(|source| seen.iter().find(|key| key.path == source.path)) {
        note_stamps(key, &mut facts);
    }
    let mut layout = Layout::new(sources, facts);
    layout.time_is_start = spec.stamp == Stamp::Start;
    layout
}
