//! Templates learned from the log: a path position with very many values is a variable, whatever
//! its values look like.

use hashbrown::{HashMap, HashSet};

use super::{Names, PLACEHOLDER};

/// From this many values on, a position is a variable. APIs have fewer siblings than this under
/// one node; user names, slugs and file names have more.
const MANY: usize = 100;

/// The keys of `endpoints` whose template changes, with the template they change to.
pub(super) fn learn(names: &Names, endpoints: &HashSet<u32>) -> HashMap<u32, String> {
    let mut paths: Vec<(u32, Vec<&str>)> = endpoints
        .iter()
        .filter_map(|&key| names.get(key).strip_prefix('/').map(|path| (key, path.split('/').collect())))
        .collect();
    paths.sort();
    let placeholder = std::str::from_utf8(PLACEHOLDER).expect("the placeholder is text");
    let depth = paths.iter().map(|(_, segments)| segments.len()).max().unwrap_or(0);
    let mut changed = HashSet::new();
    // Front to back: what follows a variable is counted over all of its values together.
    for level in 0..depth {
        let mut values: HashMap<Vec<&str>, HashSet<&str>> = HashMap::new();
        for (_, segments) in paths.iter().filter(|(_, segments)| segments.len() > level) {
            values.entry(segments[..level].to_vec()).or_default().insert(segments[level]);
        }
        for (key, segments) in &mut paths {
            if segments.len() > level
                && segments[level] != placeholder
                && values.get(&segments[..level]).is_some_and(|v| v.len() >= MANY)
            {
                segments[level] = placeholder;
                changed.insert(*key);
            }
        }
    }
    paths.into_iter().filter(|(key, _)| changed.contains(key)).map(|(key, segments)| (key, format!("/{}", segments.join("/")))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_of_many_values_becomes_a_variable() {
        let mut names = Names::default();
        let mut keys = HashSet::new();
        for i in 0..120 {
            let word: String = format!("{i:03}").bytes().map(|b| (b - b'0' + b'a') as char).collect();
            keys.insert(names.key(format!("/users/{word}/profile").as_bytes()));
        }
        keys.insert(names.key(b"/health"));
        let learned = learn(&names, &keys);
        assert_eq!(learned.len(), 120);
        assert!(learned.values().all(|t| t == "/users/{id}/profile"));
    }

    #[test]
    fn few_values_stay() {
        let mut names = Names::default();
        let keys = ["/a/x", "/a/y", "/a/z"].map(|t| names.key(t.as_bytes())).into_iter().collect();
        assert!(learn(&names, &keys).is_empty());
    }
}
