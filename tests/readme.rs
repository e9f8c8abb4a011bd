//! What the README shows is what the program does. `BLESS=1` rewrites what it shows; read the
//! difference before it is committed.
//!
//! A ```` ```console ```` block is one command, `$ narrows ... [| head -n N] [| grep -A N TEXT]`, and its output.

use std::fmt::Write as _;
use std::{env, fs};

use parsers::{Family, Stamp};

use crate::support::{narrows, root};

/// Opening of a block that is run.
const CONSOLE: &str = "```console\n";

#[test]
fn examples_show_what_the_program_says() {
    rewrite(|readme| {
        let mut parts = readme.split(CONSOLE);
        let mut out = parts.next().unwrap().to_owned();
        let mut blocks = 0;
        for part in parts {
            let (block, rest) = part.split_once("```\n").expect("a block that ends");
            let command = block.lines().next().unwrap();
            write!(out, "{CONSOLE}{command}\n{}```\n{rest}", output(command)).unwrap();
            blocks += 1;
        }
        assert!(blocks >= 3, "{blocks} examples");
        out
    });
}

#[test]
fn the_table_of_formats_is_that_of_the_registry() {
    rewrite(|readme| {
        let (before, rest) = readme.split_once("<!-- formats -->\n").expect("a mark");
        let (_, after) = rest.split_once("<!-- /formats -->\n").expect("its end");
        format!("{before}<!-- formats -->\n{}<!-- /formats -->\n{after}", formats())
    });
}

/// Compares the README with what it should be, or makes it so.
fn rewrite(should_be: impl Fn(&str) -> String) {
    let path = root().join("README.md");
    let readme = fs::read_to_string(&path).unwrap();
    let want = should_be(&readme);
    if env::var_os("BLESS").is_some() {
        fs::write(&path, &want).unwrap();
        return;
    }
    for (at, (got, want)) in readme.lines().zip(want.lines()).enumerate() {
        assert_eq!(got, want, "README.md, line {}; BLESS=1 rewrites it", at + 1);
    }
    assert_eq!(readme.len(), want.len(), "README.md; BLESS=1 rewrites it");
}

/// What a command prints.
fn output(command: &str) -> String {
    let command = command.strip_prefix("$ narrows ").unwrap_or_else(|| panic!("{command}: not narrows"));
    let mut stages = command.split(" | ");
    let text = narrows(&words(stages.next().unwrap())).exits(0).text().to_owned();
    let mut lines: Vec<&str> = text.lines().collect();
    for stage in stages {
        match &words(stage)[..] {
            ["head", "-n", n] => lines.truncate(n.parse().unwrap()),
            ["grep", "-A", n, text] => {
                let at = lines.iter().position(|line| line.contains(text)).unwrap_or_else(|| panic!("no {text} in the output"));
                lines.drain(..at);
                lines.truncate(n.parse::<usize>().unwrap() + 1);
            }
            other => panic!("{other:?}: not a filter that this test knows"),
        }
    }
    lines.iter().flat_map(|line| [line.trim_end(), "\n"]).collect()
}

/// Words as a shell splits them, with single quotes.
fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (word, after) = match rest.strip_prefix('\'') {
            Some(quoted) => quoted.split_once('\'').expect("a closing quote"),
            None => rest.split_once(' ').unwrap_or((rest, "")),
        };
        words.push(word);
        rest = after.trim_start();
    }
    words
}

/// The table of formats.
fn formats() -> String {
    let mut text = String::new();
    for (family, title) in [
        (Family::Access, "Access logs"),
        (Family::Transaction, "Application, database, pool and runtime logs"),
        (Family::Apm, "Traces"),
    ] {
        write!(text, "\n| {title} | | stamp | unit |\n|---|---|---|---|\n").unwrap();
        let mut specs: Vec<_> = parsers::formats().map(|f| f.spec()).filter(|spec| spec.family == family).collect();
        specs.sort_by_key(|spec| spec.name);
        for spec in specs {
            let stamp = if spec.stamp == Stamp::Start { "start" } else { "end" };
            let unit = spec.unit.map_or("", |unit| unit.symbol());
            let title = spec.title.replace('|', "\\|").replace('<', "&lt;");
            writeln!(text, "| [`{}`]({}) | {title} | {stamp} | {unit} |", spec.name, spec.source).unwrap();
        }
    }
    text.push('\n');
    text
}

#[test]
fn the_quick_start_is_two_commands() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let start = readme.split("## Quick start").nth(1).unwrap().split("```sh\n").nth(1).unwrap().split("```").next().unwrap();
    assert_eq!(start, "cargo run --release -- fixtures/scenarios/S2\ncargo test --workspace\n");
    assert!(root().join("fixtures/scenarios/S2").is_dir());
}

#[test]
fn options_and_links_in_the_readme_exist() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let commands = ["analyze", "compare", "save", "show", "formats"];
    let help: String = commands.iter().map(|command| narrows(&[command, "--help"]).exits(0).text().to_owned()).collect();
    let ours = readme.lines().filter(|line| !line.starts_with("cargo "));
    for word in ours.flat_map(|line| line.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'))) {
        if word.starts_with("--") && !word.trim_matches('-').is_empty() {
            assert!(help.contains(word) || matches!(word, "--release" | "--path" | "--workspace"), "{word} is no option");
        }
    }
    for link in readme.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
        assert!(link.starts_with("https://") || root().join(link).exists(), "{link} leads nowhere");
    }
}
