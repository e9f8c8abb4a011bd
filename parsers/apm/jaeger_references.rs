//! What a span of Jaeger's refers to: its parent, and what it follows. Not here: what else a span says.
//!
//! Definition: <https://github.com/opentracing/specification/blob/master/specification.md#references-between-spans>.

use crate::Id;
use crate::scan::json::{Walk, Walker};

use super::ids;

/// The first few references of a span; no parent comes after so many links.
#[derive(Default)]
pub(super) struct References<'a> {
    list: [(Kind, &'a [u8], &'a [u8]); 4],
    len: usize,
}

#[derive(Clone, Copy, Default, Eq, PartialEq)]
enum Kind {
    #[default]
    ChildOf,
    FollowsFrom,
}

impl<'a> References<'a> {
    /// Reads `[{"refType":..,"traceID":..,"spanID":..},..]`.
    pub(super) fn read(&mut self, w: &mut Walker<'a>) -> Walk<()> {
        w.array(|w| {
            let mut read = (Kind::ChildOf, &b""[..], &b""[..]);
            w.object(|w, key| {
                match key.raw {
                    b"refType" if w.text()?.raw == b"FOLLOWS_FROM" => read.0 = Kind::FollowsFrom,
                    b"refType" => {}
                    b"traceID" => read.1 = w.text()?.raw,
                    b"spanID" => read.2 = w.text()?.raw,
                    // A copy of the parent with all its ancestors.
                    _ => {
                        w.skip()?;
                    }
                }
                Ok(())
            })?;
            if let Some(place) = self.list.get_mut(self.len) {
                *place = read;
                self.len += 1;
            }
            Ok(())
        })
    }

    /// The parent, and what the span merely follows. The parent is the first reference within the trace,
    /// `CHILD_OF` before `FOLLOWS_FROM`; one to another trace is a link. A parent that is only followed
    /// does not wait; beside a parent, what is followed may be a sibling.
    pub(super) fn parent(&self, trace: &[u8], id: Option<Id>) -> (Option<u64>, Option<u64>) {
        // The spelling is compared first, as it nearly always is the same.
        let within = |other: &[u8]| other == trace || other.is_empty() || ids::trace(other) == id;
        let of = |kind| self.list[..self.len].iter().filter(move |r| r.0 == kind && within(r.1)).filter_map(|r| ids::span(r.2));
        let parent = of(Kind::ChildOf).next();
        match parent {
            Some(_) => (parent, of(Kind::FollowsFrom).rfind(|&other| Some(other) != parent)),
            None => (of(Kind::FollowsFrom).next(), of(Kind::FollowsFrom).next()),
        }
    }
}
