//! Parts of one span in several records: a report of its start and one of its end, an unfinished span
//! that was sent again when it was done. <https://zipkin.io/pages/data_model.html>

use hashbrown::HashMap;
use parsers::Role;

use super::{Fate, Links};
use crate::analyze::columns::Rows;
use crate::frame::{NO_NAME, NULL_I64};

/// Makes one row of the parts of a span: the most complete one stays and takes the times it lacks from
/// the others. A record that lacks neither start nor duration is no part.
pub(super) fn merge(rows: &Rows<'_>, links: &mut Links) {
    let is_part =
        |links: &Links, row: usize| rows.span(row).is_some() && (links.start[row] == NULL_I64 || links.duration[row] == NULL_I64);
    let key = |row: usize| (rows.trace(row).unwrap_or(0), rows.span(row).unwrap_or(0));
    let parts = (0..rows.len()).filter(|&row| is_part(links, row));
    let mut groups: HashMap<(u128, u64), Vec<u32>> = parts.map(|row| (key(row), Vec::new())).collect();
    if groups.is_empty() {
        return;
    }
    for row in (0..rows.len()).filter(|&row| rows.span(row).is_some()) {
        if let Some(group) = groups.get_mut(&key(row)) {
            group.push(row as u32);
        }
    }
    for mut group in groups.into_values().filter(|group| group.len() > 1) {
        // Whole spans first, then those with a length, then those with a start.
        let lacks = |row: u32| (links.duration[row as usize] == NULL_I64, links.start[row as usize] == NULL_I64);
        group.sort_unstable_by_key(|&row| (lacks(row), row));
        let mut kept: Vec<u32> = Vec::new();
        for &row in &group {
            // Looking back at a few is enough: one call has two sides, and copies of whole spans are sorted out by times.
            let whole = kept.iter().take(8).copied().find(|&kept| is_one(rows, kept as usize, row as usize));
            match whole.filter(|_| is_part(links, row as usize)) {
                Some(whole) => {
                    let (whole, row) = (whole as usize, row as usize);
                    if links.start[whole] == NULL_I64 && links.start[row] != NULL_I64 {
                        links.start.to_mut()[whole] = links.start[row];
                    }
                    if links.duration[whole] == NULL_I64 && links.duration[row] != NULL_I64 {
                        links.duration.to_mut()[whole] = links.duration[row];
                    }
                    links.fate[row] = Fate::Absorbed;
                    links.joined.fragments += 1;
                }
                None => kept.push(row),
            }
        }
    }
}

/// Whether two records of one id may be parts of one span: written by the same service on the same side,
/// as far as they say.
fn is_one(rows: &Rows<'_>, a: usize, b: usize) -> bool {
    let unsaid = |role| matches!(role, Role::Internal | Role::Unknown);
    let (left, right) = (rows.role(a), rows.role(b));
    let (mine, other) = (rows.service(a), rows.service(b));
    (left == right || unsaid(left) || unsaid(right)) && (mine == other || mine == NO_NAME || other == NO_NAME)
}
