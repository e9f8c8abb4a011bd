//! What the numbers rest on: every source with its account, and what was assumed, joined, left out.

use parsers::Reason;

use super::count;
use crate::load::Source;
use crate::report::Results;
use crate::report::model::{Block, Cell, Column, Table, Unit};
use crate::units::{duration_text, share_text};

pub(super) fn blocks(results: &Results<'_>) -> Vec<Block> {
    let mut blocks = Vec::new();
    if !results.sources.is_empty() {
        blocks.push(Block::Table(sources(results)));
    }
    let mut texts: Vec<String> = results.sources.iter().filter_map(rejects).collect();
    for source in results.sources {
        texts.extend(source.facts.assumptions.iter().map(|text| format!("{}: {text}", source.path.display())));
    }
    texts.extend(results.sources.iter().filter_map(silent));
    texts.extend(results.warnings());
    texts.extend(joins(results));
    blocks.extend(texts.into_iter().map(Block::Text));
    blocks
}

fn sources(results: &Results<'_>) -> Table {
    let filtered = |at: usize| results.analysis.quality.filtered_by_source.get(at).copied().unwrap_or(0);
    let rows = results.sources.iter().enumerate().map(|(at, source)| {
        vec![
            Cell::Text(source.path.display().to_string()),
            Cell::Text(std::iter::once(source.format).chain(source.wrapping.iter().copied()).collect::<Vec<_>>().join(", ")),
            Cell::Bytes(source.bytes),
            Cell::Count(source.records),
            Cell::Count(source.operations),
            Cell::Count(source.rejects()),
            Cell::Count(filtered(at)),
        ]
    });
    Table {
        columns: vec![
            Column::text("Source"),
            Column::text("Format"),
            Column::number("Size", Unit::None),
            Column::number("Records", Unit::None),
            Column::number("Operations", Unit::None),
            Column::number("Rejected", Unit::None),
            Column::number("Filtered", Unit::None),
        ],
        rows: rows.collect(),
        other: None,
    }
}

/// A log that was read and told of nothing.
fn silent(source: &Source) -> Option<String> {
    (source.operations == 0 && source.records > source.rejects()).then(|| {
        format!(
            "{}: none of its {} records tells of a request, a call, a wait, a pool or a pause that is known; --log-format or [fields] may name them.",
            source.path.display(),
            count(source.records)
        )
    })
}

/// `app.log: 312 of 90,122 records not read: 312 time (first at byte 1048, line 7; the timestamp cannot be read)`.
fn rejects(source: &Source) -> Option<String> {
    let all = source.rejects();
    let reasons = Reason::ALL.iter().zip(source.rejected).filter(|(_, n)| *n > 0).map(|(&reason, n)| {
        let place = source.first_rejects.iter().find(|place| place.reason == reason);
        let place = place.map(|p| format!("first at byte {}, line {}; ", p.offset, p.line)).unwrap_or_default();
        format!("{} {} ({place}{})", count(n), reason.name(), reason.remedy())
    });
    let reasons: Vec<String> = reasons.collect();
    let path = source.path.display();
    (all > 0).then(|| format!("{path}: {} of {} records not read: {}.", count(all), count(source.records), reasons.join(", ")))
}

/// One sentence for everything that is not nothing.
fn joins(results: &Results<'_>) -> Vec<String> {
    let quality = &results.analysis.quality;
    let joined = &quality.joined;
    let mut texts = Vec::new();
    if let Some(share) = quality.joined_share {
        texts.push(format!("{} of the records with an id found the request they belong to.", share_text(share)));
    }
    if joined.by_session > 0 {
        texts.push(format!("{} statements were given to a request by session, order and time.", count(joined.by_session)));
    }
    if joined.by_time > 0 {
        texts.push(format!(
            "{} requests of an inner tier share no id with the outer one: each was given to one by endpoint, time and length, which is right in sum and likely for each.",
            count(joined.by_time)
        ));
    }
    if let Some(share) = quality.unaccounted_share {
        texts.push(format!("{} of the time is in durations that no log splits.", share_text(share)));
    }
    for (n, what) in [
        (quality.filtered, "requests were left out by filters"),
        (joined.copies, "records tell of an event that another log tells of, too; each is counted once"),
        (joined.duplicates, "records are exact duplicates; each is counted once"),
        (joined.fragments, "records tell a part of a span of which another record tells the rest; the parts are one span"),
        (joined.adopted, "spans are claimed as a child by a span made later, and hang under that"),
        (joined.short_ids, "records have only the low half of their trace's id; they were joined with those that have all of it"),
        (joined.orphans, "spans name a parent that was not given"),
        (joined.conflicting_ids, "spans have the id of another span; what names that id as its parent hangs under the first"),
        (joined.cycles, "spans have parents that form a ring"),
        (joined.incomplete_traces, "traces are incomplete"),
        (
            joined.unpaired_events,
            "records tell of the start or the end of a request alone; how long those took is not known, so they are not counted",
        ),
    ] {
        if n > 0 {
            texts.push(format!("{} {what}.", count(n)));
        }
    }
    if quality.clipped > 0 {
        let (n, time) = (count(quality.clipped), duration_text(quality.clipped_ns));
        texts.push(format!("{n} records have parts that claim more than their whole: {time} in all were clipped."));
    }
    if quality.ambiguous_ns > 0 {
        texts.push(format!("{} of path time may as well be a sibling's.", duration_text(quality.ambiguous_ns)));
    }
    if quality.unplaced > 0 {
        let (n, time) = (count(quality.unplaced), duration_text(quality.unplaced_ns));
        texts.push(format!("{n} calls are known by their sum of {time} only: they count in the tables, but on no path."));
    }
    if joined.skew_corrected > 0 {
        let (n, most) = (count(joined.skew_corrected), duration_text(joined.max_skew_ns));
        texts.push(format!("{n} calls between hosts had their clocks corrected, by {most} at most."));
    }
    texts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testing::small;

    #[test]
    fn rejected_records_have_reason_place_and_remedy() {
        let made = small();
        let blocks = blocks(&made.results());
        let texts: Vec<&str> =
            blocks.iter().filter_map(|b| if let Block::Text(text) = b { Some(text.as_str()) } else { None }).collect();
        assert_eq!(
            texts,
            [
                "logs/access.log: 2 of 302 records not read: 2 time (first at byte 1048, line 7; the timestamp cannot be read).",
                "logs/access.log: durations are in ms: the field is named so.",
                "logs/notes.txt: left alone: not a log narrows knows",
                "99.5 % of the records with an id found the request they belong to.",
                "20.0 % of the time is in durations that no log splits.",
                "4 records tell of an event that another log tells of, too; each is counted once.",
            ]
        );
    }
}
