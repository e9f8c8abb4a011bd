//! Tomcat's and JBoss' access logs: any AccessLogValve pattern, given or found out.
//! The valve stamps the end of a request, unless `%{begin:...}t` asks for the start.

mod detect;
mod layout;

use super::percent::{self, Piece};
use crate::{Decoder, Family, Format, OpenError, Options, Spec, Stamp, Unit, Verdict};

/// The format.
pub(super) struct Tomcat;

static SPEC: Spec = Spec {
    name: "tomcat",
    family: Family::Access,
    title: "Tomcat and JBoss access log, any AccessLogValve pattern",
    source: "https://tomcat.apache.org/tomcat-11.0-doc/config/valve.html#Access_Logging",
    stamp: Stamp::End,
    unit: Some(Unit::Micros),
    resolution_ns: 1_000,
    sample: concat!(
        r#"127.0.0.1 - - [22/Nov/2026:17:51:50 +0000] "GET /health HTTP/1.1" 200 15 142212 141 http-nio-8080-exec-1 -"#,
        "\n",
        r#"127.0.0.1 - - [22/Nov/2026:17:51:51 +0000] "GET /api?a=b HTTP/1.1" 200 25 1094 0 http-nio-8080-exec-3 "#,
        "b70669ed21558db9ea122dc49aec2c88\n",
    ),
};

/// Whether a layout of `%` directives holds what only Tomcat has: `%F`, `%S`, `%I` without httpd's
/// `%O` beside it, an attribute of request, session or cookie (`%{x}r`, `%{x}s`, `%{x}c`), a time in
/// the notation of Java's `SimpleDateFormat`, or `%D` called milliseconds, which httpd's never are.
pub(super) fn is_layout(layout: &str) -> bool {
    let Ok(pieces) = percent::pieces(layout) else { return false };
    let mut letters = pieces.iter().filter_map(|p| if let Piece::Directive(d) = p { Some(d) } else { None });
    let has_out = letters.clone().any(|d| d.letter == 'O');
    percent::is_layout(layout)
        && letters.any(|d| match d.letter {
            'F' | 'S' => true,
            'I' => !has_out,
            'r' | 's' | 'c' => !d.argument.is_empty(),
            't' => is_java_date(&d.argument),
            _ => false,
        })
        || percent::unit_of_d(&pieces) == Some(Unit::Millis) && may_be_layout(layout)
}

/// Whether the valve could have been given this layout: it knows fewer directives than httpd, and no
/// conditions or redirects.
pub(super) fn may_be_layout(layout: &str) -> bool {
    let Ok(pieces) = percent::pieces(layout) else { return false };
    let mut letters = pieces.iter().filter_map(|p| if let Piece::Directive(d) = p { Some(d) } else { None });
    let plain = !["%>", "%<", "%!"].iter().any(|httpd| layout.contains(httpd));
    percent::is_layout(layout)
        && plain
        && letters.all(|d| match d.letter {
            't' => !d.argument.contains('%'),
            'a' | 'A' | 'b' | 'B' | 'D' | 'F' | 'h' | 'H' | 'I' | 'l' | 'm' | 'p' | 'q' | 'r' | 's' | 'S' | 'T' | 'u' | 'U'
            | 'v' | 'X' | 'i' | 'o' | 'c' => true,
            _ => false,
        })
}

/// `yyyy-MM-dd HH:mm:ss`, and not `strftime`'s notation.
fn is_java_date(argument: &str) -> bool {
    !argument.contains('%') && ["yy", "HH", "hh", "mm", "ss"].iter().any(|part| argument.contains(part))
}

impl Format for Tomcat {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn sniff(&self, head: &[u8]) -> Verdict {
        detect::guess(head).map_or(Verdict::NO, |guess| guess.verdict)
    }

    /// A layout of `%` directives that is not httpd's alone.
    fn takes_layout(&self, layout: &str) -> bool {
        is_layout(layout) || may_be_layout(layout)
    }

    fn open(&self, head: &[u8], options: &Options) -> Result<Box<dyn Decoder>, OpenError> {
        let guessed;
        let layout = match &options.layout {
            Some(layout) => layout.as_str(),
            None => {
                let guess = detect::guess(head).ok_or_else(|| {
                    OpenError::new("the first lines have no layout known here; give the valve's pattern with --log-format")
                })?;
                guessed = guess.layout;
                &guessed
            }
        };
        let pattern = layout::compile(layout, head, options.unit)?;
        Ok(Box::new(pattern.opened(options)))
    }
}
