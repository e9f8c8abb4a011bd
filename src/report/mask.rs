//! Hides ids and literals in a record that is shown.

use std::sync::OnceLock;

use regex::{Captures, Regex};

/// The record with what may be private replaced: quoted SQL literals, numbers of four digits and
/// more, long hex texts, addresses of mail and network, and values of keys that speak of secrets.
/// Timestamps and durations stay, as they are what a record is shown for.
pub fn line(text: &str) -> String {
    static PRIVATE: OnceLock<Option<Regex>> = OnceLock::new();
    let private = PRIVATE.get_or_init(|| {
        Regex::new(concat!(
            r"(?P<time>\d{4}[-/]\d{2}[-/]\d{2}[T ]\d{2}:\d{2}:\d{2}[.,\d]*|\d{2}/[A-Z][a-z]{2}/\d{4}:\d{2}:\d{2}:\d{2})",
            r"|(?P<secret>(?i:password|passwd|secret|token|authorization|apikey|api_key)[=:]\s*)[^\s,;&]+",
            r"|(?P<mail>[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,})",
            r"|(?P<uuid>\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b)",
            r"|(?P<hex>\b[0-9a-fA-F]{16,}\b)",
            r"|(?P<address>\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}\b)",
            r"|(?P<literal>'(?:[^'\\]|\\.|'')*')",
            r"|(?P<decimal>\b\d+\.\d+)",
            r"|(?P<number>\b\d{4,}\b)",
        ))
        .ok()
    });
    let Some(private) = private else { return "(hidden; --unmask shows it)".to_owned() };
    let replace = |found: &Captures<'_>| -> String {
        let whole = || found.get(0).map_or(String::new(), |m| m.as_str().to_owned());
        match () {
            () if found.name("time").is_some() || found.name("decimal").is_some() => whole(),
            () if found.name("secret").is_some() => format!("{}***", found.name("secret").map_or("", |m| m.as_str())),
            () if found.name("literal").is_some() => "'***'".to_owned(),
            () => "***".to_owned(),
        }
    };
    private.replace_all(text, replace).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_literals_are_hidden_and_times_stay() {
        assert_eq!(
            line("2026-11-22T17:55:51.653Z rid=06f7478a79b971f1f65bd0c31b995d72 account=26500 total_ms=172.9 from 10.1.2.3"),
            "2026-11-22T17:55:51.653Z rid=*** account=*** total_ms=172.9 from ***"
        );
        assert_eq!(line("WHERE name = 'O''Hara' AND mail = ana@example.com"), "WHERE name = '***' AND mail = ***");
        assert_eq!(line("login password=hunter2 ok"), "login password=*** ok");
    }
}
