//! The rules of the house, as tests: what ARCHITECTURE.md says cannot drift.

use std::fs;
use std::path::Path;

use crate::support::root;

/// Which part may use which others. `main` is in no row: it uses `cli` alone, through the library.
const MAY_USE: &[(&str, &[&str])] = &[
    ("error", &[]),
    ("units", &["error"]),
    ("input", &["error"]),
    ("frame", &["error"]),
    ("load", &["error", "input", "frame"]),
    ("analyze", &["error", "units", "frame"]),
    ("report", &["error", "units", "analyze", "load"]),
    ("store", &["error", "analyze"]),
    ("cli", &["error", "units", "input", "frame", "load", "analyze", "report", "store"]),
];

/// Longest file, in lines.
const LONGEST: usize = 700;

/// A source file: its path from the root, and its text.
struct File {
    path: String,
    text: String,
}

impl File {
    /// The text before its tests; nothing of a file that is only for tests.
    fn product(&self) -> &str {
        let name = self.path.rsplit('/').next().unwrap();
        if self.path.starts_with("tests/") || self.path.starts_with("benches/") || name.starts_with("test") {
            return "";
        }
        self.text.split("#[cfg(test)]\nmod ").next().unwrap()
    }

    /// Code lines of the product, numbered from 1, without comments.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        self.product()
            .lines()
            .enumerate()
            .filter(|(_, line)| !line.trim_start().starts_with("//"))
            .map(|(at, line)| (at + 1, line))
    }

    /// The part of the library that the file belongs to; `None` outside of it.
    fn part(&self) -> Option<&str> {
        let part = self.path.strip_prefix("src/")?.split(['/', '.']).next()?;
        MAY_USE.iter().map(|(name, _)| *name).find(|name| *name == part)
    }
}

fn files() -> Vec<File> {
    fn walk(folder: &Path, files: &mut Vec<File>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, files);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let shown = path.strip_prefix(root()).unwrap().display().to_string();
                files.push(File { path: shown, text: fs::read_to_string(&path).unwrap() });
            }
        }
    }
    let mut files = Vec::new();
    for folder in ["src", "parsers", "tests", "benches"] {
        walk(&root().join(folder), &mut files);
    }
    assert!(files.len() > 100, "only {} files found", files.len());
    files
}

/// Fails with all faults at once.
fn none(faults: Vec<String>) {
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

/// Names that follow a prefix such as `crate::`, and those of a group `crate::{a, b}` after it.
fn names_after<'a>(text: &'a str, prefix: &str) -> Vec<&'a str> {
    let word = |text: &'a str| text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap();
    let mut names = Vec::new();
    for (at, _) in text.match_indices(prefix) {
        if text[..at].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_') {
            continue;
        }
        let rest = &text[at + prefix.len()..];
        match rest.strip_prefix('{') {
            None => names.push(word(rest)),
            Some(group) => {
                let (mut depth, mut start) = (0, 0);
                for (i, c) in group.char_indices() {
                    match c {
                        '{' => depth += 1,
                        '}' if depth > 0 => depth -= 1,
                        ',' | '}' if depth == 0 => {
                            names.push(word(group[start..i].trim_start()));
                            start = i + 1;
                            if c == '}' {
                                break;
                            }
                        }
                        _ => {}
                    }
                }
            }
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

#[test]
fn names_are_found_in_groups_and_paths() {
    assert_eq!(names_after("use crate::{a::{b, c}, d};\ncrate::e::f(); my_crate::g", "crate::"), ["a", "d", "e"]);
}

#[test]
fn parts_use_only_what_they_may() {
    let mut faults = Vec::new();
    for file in files() {
        let Some(part) = file.part() else { continue };
        let may = MAY_USE.iter().find(|(name, _)| *name == part).unwrap().1;
        for used in names_after(file.product(), "crate::") {
            let is_part = MAY_USE.iter().any(|(name, _)| *name == used);
            if is_part && used != part && !may.contains(&used) {
                faults.push(format!("{}: `{part}` must not use `{used}`", file.path));
            }
        }
    }
    none(faults);
}

#[test]
fn every_part_of_the_library_has_its_row() {
    let text = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let modules: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    assert!(!modules.is_empty());
    none(modules.into_iter().filter(|m| !MAY_USE.iter().any(|(name, _)| name == m)).map(|m| format!("{m} has no row")).collect());
}

#[test]
fn polars_stays_where_the_frame_is() {
    let mut faults = Vec::new();
    for file in files() {
        let allowed = matches!(file.part(), Some("frame" | "analyze" | "error" | "load"));
        if !allowed && file.path.starts_with("src/") && file.product().contains("polars::") {
            faults.push(format!("{}: names polars", file.path));
        }
    }
    none(faults);
}

#[test]
fn inputs_know_no_format_and_the_analysis_no_single_one() {
    let mut faults = Vec::new();
    for file in files() {
        let used = names_after(file.product(), "parsers::");
        let single = |name: &&str| matches!(*name, "access" | "transaction" | "apm");
        let at_fault = match file.part() {
            Some("input") => !used.is_empty(),
            Some("frame" | "analyze" | "report") => used.iter().any(single),
            _ => false,
        };
        if at_fault {
            faults.push(format!("{}: names {used:?} of the parsers", file.path));
        }
    }
    none(faults);
}

#[test]
fn only_the_command_line_prints_or_exits() {
    let mut faults = Vec::new();
    for file in files() {
        if file.part() == Some("cli") || !(file.path.starts_with("src/") || file.path.starts_with("parsers/")) {
            continue;
        }
        for (line, text) in file.code() {
            if ["println!(", "print!(", "process::exit(", "dbg!("].iter().any(|p| text.contains(p)) {
                faults.push(format!("{}:{line}: {}", file.path, text.trim()));
            }
        }
    }
    none(faults);
}

#[test]
fn only_the_memory_map_is_unsafe() {
    let mut faults = Vec::new();
    for file in files() {
        if file.path == "src/input/map.rs" {
            assert_eq!(file.text.matches("unsafe {").count(), file.text.matches("// SAFETY:").count(), "{}", file.path);
            continue;
        }
        for (line, text) in file.code() {
            let is_unsafe = ["unsafe {", "unsafe fn", "unsafe impl", "unsafe extern"].iter().any(|p| text.contains(p));
            if is_unsafe {
                faults.push(format!("{}:{line}: {}", file.path, text.trim()));
            }
        }
    }
    none(faults);
    let parsers = fs::read_to_string(root().join("parsers/lib.rs")).unwrap();
    assert!(parsers.contains("#![forbid(unsafe_code)]"));
}

#[test]
fn parsers_know_nothing_of_frames_threads_or_files() {
    let manifest = fs::read_to_string(root().join("parsers/Cargo.toml")).unwrap();
    for name in ["polars", "rayon", "memmap2", "clap", "comfy-table"] {
        assert!(!manifest.contains(name), "parsers must not depend on {name}");
    }
    let mut faults = Vec::new();
    for file in files().iter().filter(|f| f.path.starts_with("parsers/")) {
        for (line, text) in file.code() {
            if ["std::fs", "std::net", "std::thread", "std::process", "std::env"].iter().any(|p| text.contains(p)) {
                faults.push(format!("{}:{line}: {}", file.path, text.trim()));
            }
        }
    }
    none(faults);
}

#[test]
fn every_file_says_what_it_is() {
    none(files().iter().filter(|f| !f.text.starts_with("//! ")).map(|f| format!("{}: no `//!` first", f.path)).collect());
}

#[test]
fn files_stay_short() {
    let lines = |f: &File| f.text.lines().count();
    none(files().iter().filter(|f| lines(f) > LONGEST).map(|f| format!("{}: {} lines", f.path, lines(f))).collect());
}

#[test]
fn the_program_is_thin() {
    let text = fs::read_to_string(root().join("src/main.rs")).unwrap();
    assert!(text.lines().count() <= 20);
}

#[test]
fn nothing_is_left_to_do_and_nothing_unwrapped() {
    // Put together, so that this file does not hold them.
    let marks = [["TO", "DO"].concat(), ["FIX", "ME"].concat(), ["XX", "X"].concat()];
    let mut faults = Vec::new();
    for file in files() {
        for mark in &marks {
            if file.text.contains(mark.as_str()) && file.path.starts_with("src/") {
                faults.push(format!("{}: {mark}", file.path));
            }
        }
        for (line, text) in file.code() {
            if text.contains(".unwrap()") || text.contains("todo!(") || text.contains("unimplemented!(") {
                faults.push(format!("{}:{line}: {}", file.path, text.trim()));
            }
        }
    }
    none(faults);
}

#[test]
fn every_folder_of_fixtures_belongs_to_something() {
    for family in ["access", "transaction", "apm"] {
        for entry in fs::read_dir(root().join("fixtures").join(family)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let known = parsers::formats().any(|f| f.spec().name == name && f.spec().family.name() == family);
            assert!(known, "fixtures/{family}/{name} belongs to no format");
        }
    }
}

#[test]
fn the_schema_is_written_down() {
    let files = files();
    let used = |file: &'_ File| -> Vec<String> {
        let calls = ["i64s(\"", "u64s(\"", "u32s(\"", "u16s(\"", "u8s(\""];
        let names = calls.iter().flat_map(|call| names_after(file.product(), call));
        names.map(str::to_owned).collect()
    };
    let columns: Vec<String> = files.iter().filter(|f| f.part() == Some("analyze")).flat_map(used).collect();
    let architecture = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    assert!(columns.len() > 20, "{columns:?}");
    none(
        columns
            .iter()
            .filter(|c| !architecture.contains(&format!("`{c}`")))
            .map(|c| format!("{c} is not in the table"))
            .collect(),
    );
}
