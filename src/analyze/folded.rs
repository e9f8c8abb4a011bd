//! The critical path of all requests as stacks: which operation, called by which, took how long.

use hashbrown::HashMap;

use super::attribute::{Attribution, below, split};
use super::bucket::{Bucket, Buckets};
use super::columns::Rows;
use super::correlate::{Links, NONE};
use super::requests::{EndpointKey, RequestOf, Requests};
use crate::frame::{NO_NAME, NULL_I64};

/// Deeper operations count for the one at this depth: no graph shows more.
const DEEPEST: u32 = 128;

/// One stack.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FoldedRow {
    /// Frames from the outside in: service, endpoint, operations; what a record states of its parts
    /// in brackets.
    pub frames: Vec<String>,
    /// Time on the critical path of all requests, in nanoseconds.
    pub path_ns: i64,
}

/// What a frame is called.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Hash, PartialOrd, Ord)]
enum Label {
    Service(u32),
    Endpoint(EndpointKey),
    Name(u32),
    Kind(&'static str),
    Part(Bucket),
}

/// A tree of frames.
#[derive(Default)]
struct Frames {
    index: HashMap<(u32, Label), u32>,
    above: Vec<u32>,
    label: Vec<Label>,
    depth: Vec<u32>,
    path_ns: Vec<i64>,
}

impl Frames {
    fn frame(&mut self, above: u32, label: Label) -> u32 {
        let depth = self.depth.get(above as usize).map_or(0, |depth| depth + 1);
        if depth > DEEPEST {
            return above;
        }
        let next = self.label.len() as u32;
        let at = *self.index.entry((above, label)).or_insert(next);
        if at == next {
            self.above.push(above);
            self.label.push(label);
            self.depth.push(depth);
            self.path_ns.push(0);
        }
        at
    }

    fn add(&mut self, frame: u32, ns: i64) {
        let slot = &mut self.path_ns[frame as usize];
        *slot = slot.saturating_add(ns);
    }
}

/// Folds the critical paths of the requests that are kept, in the order of their stacks.
pub(crate) fn folded(
    rows: &Rows<'_>,
    links: &Links,
    of: &RequestOf,
    requests: &Requests<'_>,
    attribution: &Attribution,
) -> Vec<FoldedRow> {
    let mut frames = Frames::default();
    let mut frame_of = vec![NONE; rows.len()];
    let below = below(rows, &attribution.walk_parent);
    let mut up: Vec<u32> = Vec::new();
    for row in (0..rows.len()).filter(|&row| of[row] != NONE) {
        let on_path = match attribution.cp_ns.get(row) {
            Some(&ns) => ns,
            None => links.duration[row].max(0),
        };
        if on_path == 0 || links.duration[row] == NULL_I64 {
            continue;
        }
        // Up to the first row that has a frame, then down again.
        let mut at = row as u32;
        while (at as usize) < rows.len() && frame_of[at as usize] == NONE {
            up.push(at);
            at = attribution.walk_parent.get(at as usize).copied().unwrap_or(NONE);
        }
        while let Some(at) = up.pop() {
            let above = attribution.walk_parent.get(at as usize).copied().unwrap_or(NONE);
            frame_of[at as usize] = frame(rows, requests, of, &mut frames, &frame_of, at, above);
        }
        let mut buckets = Buckets::default();
        let states_parts = rows.parts(row).iter().any(Option::is_some);
        if states_parts {
            split(rows, row, on_path, below.get(row).copied().unwrap_or_default(), |bucket, ns| buckets.add(bucket, ns));
            for (bucket, ns) in Bucket::ALL.into_iter().zip(buckets.0) {
                let Some(ns) = ns.filter(|&ns| ns > 0) else { continue };
                let part = frames.frame(frame_of[row], Label::Part(bucket));
                frames.add(part, ns);
            }
        } else {
            frames.add(frame_of[row], on_path);
        }
    }
    let mut stacks: Vec<FoldedRow> = (0..frames.label.len() as u32)
        .filter(|&at| frames.path_ns[at as usize] > 0)
        .map(|at| FoldedRow { frames: texts(rows, &frames, at), path_ns: frames.path_ns[at as usize] })
        .collect();
    stacks.sort_by(|a, b| a.frames.cmp(&b.frames));
    // Frames of one text but different keys (two request methods of one name) are one stack.
    stacks.dedup_by(|next, kept| {
        let same = next.frames == kept.frames;
        if same {
            kept.path_ns = kept.path_ns.saturating_add(next.path_ns);
        }
        same
    });
    stacks
}

/// The frame of a row under that of the row above; its service comes first where it is another.
fn frame(
    rows: &Rows<'_>,
    requests: &Requests<'_>,
    of: &RequestOf,
    frames: &mut Frames,
    frame_of: &[u32],
    row: u32,
    above: u32,
) -> u32 {
    let at = row as usize;
    let above_is_row = (above as usize) < rows.len();
    let mut under = if above_is_row { frame_of[above as usize] } else { NONE };
    let service = rows.service(at);
    if service != NO_NAME && (!above_is_row || rows.service(above as usize) != service) {
        under = frames.frame(under, Label::Service(service));
    }
    let request = of[at] as usize;
    let is_top = requests.row.get(request) == Some(&row);
    let label = match rows.name(at) {
        _ if is_top => Label::Endpoint(requests.endpoints[requests.endpoint[request] as usize]),
        NO_NAME => Label::Kind(rows.kind(at).name()),
        name if rows.is(at, parsers::Kind::Request) => {
            Label::Endpoint(EndpointKey { method: rows.method(at), name, service: NO_NAME })
        }
        name => Label::Name(name),
    };
    frames.frame(under, label)
}

fn texts(rows: &Rows<'_>, frames: &Frames, leaf: u32) -> Vec<String> {
    let mut texts = Vec::new();
    let mut at = leaf;
    while let Some(&label) = frames.label.get(at as usize) {
        texts.push(match label {
            Label::Service(key) | Label::Name(key) => rows.text(key).to_owned(),
            Label::Endpoint(key) => key.text(rows),
            Label::Kind(name) => format!("({name})"),
            Label::Part(bucket) => format!("[{}]", bucket.name()),
        });
        at = frames.above[at as usize];
    }
    texts.reverse();
    texts
}
