//! What comes from logs is made harmless: control codes for terminals, markup for GitHub's Markdown
//! (<https://github.github.com/gfm/>), formulas for spreadsheets
//! (<https://owasp.org/www-community/attacks/CSV_Injection>).

use std::fmt::Write;

/// A text without anything that a terminal obeys, on one line: control codes, marks that turn the
/// reading direction and characters without width are shown as escapes.
pub fn terminal(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        // Writing to a string cannot fail.
        let _ = match c {
            '\n' => out.write_str("\\n"),
            '\r' => out.write_str("\\r"),
            '\t' => out.write_str("\\t"),
            c if u32::from(c) < 0x100 && c.is_control() => write!(out, "\\x{:02x}", u32::from(c)),
            c if is_invisible(c) => write!(out, "\\u{{{:x}}}", u32::from(c)),
            c => out.write_char(c),
        };
    }
    out
}

/// Bytes of a record as text, made harmless: what is not UTF-8 is shown as `\xNN`.
pub fn bytes(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        out.push_str(&terminal(chunk.valid()));
        for byte in chunk.invalid() {
            // Writing to a string cannot fail.
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
    out
}

/// Directional marks, embeddings, overrides and isolates, joiners, separators of lines, the byte
/// order mark and tag characters.
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
    )
}

/// A text that Markdown shows as it is: no markup, no table border, no mention of a person or an issue.
pub(super) fn markdown(text: &str) -> String {
    let plain = terminal(text);
    let mut out = String::with_capacity(plain.len() + 8);
    let mut chars = plain.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\\' | '|' | '`' | '*' | '_' | '[' | ']' | '~' | '$' => out.extend(['\\', c]),
            // A mention is looked for in the rendered text, so that an escape alone would not stop it.
            '@' => out.push_str("@&#8203;"),
            '#' if chars.peek().is_some_and(char::is_ascii_digit) => out.push_str("#&#8203;"),
            ':' if chars.peek() == Some(&'/') => out.push_str(":&#8203;"),
            c => out.push(c),
        }
    }
    out
}

/// JSON that a terminal shows and does not obey: what strings may hold as it is and [`terminal`]
/// would not let pass is written as the escape that means the same.
pub(super) fn json(document: &str) -> String {
    let mut out = String::with_capacity(document.len());
    for c in document.chars() {
        if c == '\u{7f}' || ('\u{80}'..='\u{9f}').contains(&c) || is_invisible(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a string cannot fail.
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    out
}

/// A text field of a CSV file by RFC 4180, made harmless. One that a spreadsheet would take for a
/// formula gets an apostrophe in front.
pub(super) fn csv(text: &str) -> String {
    let guard = if text.starts_with(['=', '+', '-', '@']) { "'" } else { "" };
    let text = terminal(text);
    if text.contains(['"', ',']) { format!("\"{guard}{}\"", text.replace('"', "\"\"")) } else { format!("{guard}{text}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_codes_are_shown_and_not_obeyed() {
        for (text, want) in [
            ("GET /a", "GET /a"),
            ("\u{1b}[31mred", "\\x1b[31mred"),
            ("a\u{9b}2J\u{7f}\0", "a\\x9b2J\\x7f\\x00"),
            ("a\r\nb\tc", "a\\r\\nb\\tc"),
            ("x\u{202e}gpj", "x\\u{202e}gpj"),
            ("größe 帳戶", "größe 帳戶"),
        ] {
            assert_eq!(terminal(text), want);
        }
    }

    #[test]
    fn json_means_the_same_and_shows_its_controls() {
        for (document, want) in [
            ("{\"a\": \"größe\"}\n", "{\"a\": \"größe\"}\n"),
            ("\"\u{9b}2J\u{202e}\u{7f}\"", "\"\\u009b2J\\u202e\\u007f\""),
            ("\"\u{e0001}\"", "\"\\udb40\\udc01\""),
        ] {
            assert_eq!(json(document), want);
            let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("JSON");
            assert_eq!(read(&json(document)), read(document));
        }
    }

    #[test]
    fn markup_is_text() {
        for (text, want) in [
            ("POST /pay|now", "POST /pay\\|now"),
            ("@team <b>", "@&#8203;team &lt;b&gt;"),
            ("see #12 # 3", "see #&#8203;12 # 3"),
            ("select *\u{7}", "select \\*\\\\x07"),
            ("http://x", "http:&#8203;//x"),
        ] {
            assert_eq!(markdown(text), want);
        }
    }

    #[test]
    fn fields_are_quoted_and_formulas_guarded() {
        for (text, want) in [
            ("plain", "plain"),
            ("a,b", "\"a,b\""),
            ("say \"x\"", "\"say \"\"x\"\"\""),
            ("=1+1", "'=1+1"),
            ("-cmd,", "\"'-cmd,\""),
            ("@x", "'@x"),
            ("\tx\r\n=1", "\\tx\\r\\n=1"),
        ] {
            assert_eq!(csv(text), want);
        }
    }
}
