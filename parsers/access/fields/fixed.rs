//! Layouts of servers that always write the same keys.

use super::{Field, Layout, Scale, Source};
use crate::{Facts, Spec, Stamp};

/// The layout of a server: its keys, nested names joined by dots. Lengths of time are of `spec`'s
/// unit; without one each value names its own.
pub(in crate::access) fn fixed(spec: &Spec, keys: &[(Field, &str)]) -> Layout {
    let scale = spec.unit.map_or(Scale::InValue, |unit| Scale::Fixed(unit.nanos()));
    let source = |(field, key): &(Field, &str)| Source {
        field: *field,
        path: key.split('.').map(|name| name.as_bytes().to_vec()).collect(),
        scale,
    };
    let facts = Facts {
        stamp: Some(spec.stamp),
        unit: spec.unit,
        resolution_ns: spec.resolution_ns,
        stamp_resolution_ns: 1_000_000,
        ..Facts::default()
    };
    let mut layout = Layout::new(keys.iter().map(source).collect(), facts);
    layout.time_is_start = spec.stamp == Stamp::Start;
    layout
}
