//! Apache httpd access logs: any `LogFormat`, given or found out. Not Tomcat's, whose directives
//! have the same syntax and other meanings.

mod detect;

use super::pattern::{Field, Pattern, Token};
use super::percent::{self, Directive, Piece};
use super::{shape, strftime};
use crate::scan::time::SECOND;
use crate::{Decoder, Family, Format, OpenError, Options, Spec, Stamp, Unit, Verdict};

/// The format.
pub(super) struct Apache;

static SPEC: Spec = Spec {
    name: "apache",
    family: Family::Access,
    title: "Apache httpd access log, any LogFormat",
    source: "https://httpd.apache.org/docs/2.4/mod/mod_log_config.html",
    stamp: Stamp::Start,
    unit: Some(Unit::Micros),
    resolution_ns: 1_000,
    sample: concat!(
        r#"www.example.org:443 203.0.113.7 - - [22/Nov/2026:17:55:51 +0000] "GET /a?b=c HTTP/1.1" 200 25 "-" "say \"hi\"" 0/226174"#,
        "\n",
        r#"www.example.org:443 203.0.113.8 - bob [22/Nov/2026:17:55:52 +0000] "POST /b HTTP/1.1" 503 - "-" "curl/8.5.0" 1/1500012"#,
        "\n",
    ),
};

/// The layouts that httpd's own configuration names.
fn named(layout: &str) -> &str {
    match layout {
        "common" => r#"%h %l %u %t "%r" %>s %b"#,
        "combined" => r#"%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i""#,
        "combinedio" => r#"%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i" %I %O"#,
        "vhost_combined" => r#"%v:%p %h %l %u %t "%r" %>s %O "%{Referer}i" "%{User-Agent}i""#,
        other => other,
    }
}

impl Format for Apache {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn sniff(&self, head: &[u8]) -> Verdict {
        detect::guess(head, None).map_or(Verdict::NO, |guess| guess.verdict)
    }

    /// A name out of httpd's own configuration, or a layout of `%` directives with a request and a status, unless it is Tomcat's.
    fn takes_layout(&self, layout: &str) -> bool {
        named(layout) != layout || percent::is_layout(layout) && !super::tomcat::is_layout(layout)
    }

    fn open(&self, head: &[u8], options: &Options) -> Result<Box<dyn Decoder>, OpenError> {
        let pattern = match &options.layout {
            Some(layout) => given(named(layout), head)?,
            None => {
                let guess = detect::guess(head, options.unit).ok_or_else(|| {
                    OpenError::new("the first lines have no layout known here; give the LogFormat string with --log-format")
                })?;
                guess.pattern
            }
        };
        Ok(Box::new(pattern.opened(options)))
    }
}

/// Compiles a layout that the user gave without a word on the server. Tomcat shares the notation, but
/// writes `%T` with decimals, `%D` in milliseconds up to version 9, and stamps the end.
fn given(layout: &str, head: &[u8]) -> Result<Pattern, OpenError> {
    let mut pattern = compile(layout, Stamp::Start)?;
    let pieces = percent::pieces(layout)?;
    if percent::unit_of_d(&pieces) == Some(Unit::Millis) {
        pattern = pattern.assume("The layout calls %D milliseconds, but httpd writes microseconds: so it was read.");
    }
    if !super::tomcat::may_be_layout(layout) {
        return Ok(pattern);
    }
    let directives = || pieces.iter().filter_map(|p| if let Piece::Directive(d) = p { Some(d) } else { None });
    if directives().any(|d| d.letter == 'T' && d.argument.is_empty()) && has_decimals(&pieces, layout, head)? {
        return Err(OpenError::new(
            "the seconds of %T have decimals, as only Tomcat writes them; give the pattern as tomcat:PATTERN",
        ));
    }
    match directives().any(|d| matches!(d.letter, 'D' | 'T')) {
        true => Ok(pattern.assume(
            "The layout may be Apache httpd's or Tomcat's; it was read as httpd's: %D in microseconds, stamps as starts. Give it \
             as tomcat:PATTERN if Tomcat wrote the log.",
        )),
        false => Ok(pattern),
    }
}

/// Whether the values of `%T` in the first lines have decimals.
fn has_decimals(pieces: &[Piece], layout: &str, head: &[u8]) -> Result<bool, OpenError> {
    let mark = |d: &Directive| if d.letter == 'T' { Field::Bytes { rank: 0 } } else { Field::Skip };
    let tokens = percent::tokens(pieces, strftime::strftime, Stamp::Start, mark)?;
    let Some(at) = tokens
        .iter()
        .filter_map(|token| if let Token::Field { field, .. } = token { Some(field) } else { None })
        .position(|field| matches!(field, Field::Bytes { .. }))
    else {
        return Ok(false);
    };
    let pattern = Pattern::compile(tokens, layout.to_owned());
    let lines = shape::first_lines(head);
    let values: Vec<_> = lines.iter().filter_map(|line| pattern.values(line)?.get(at).copied()).collect();
    Ok(!values.is_empty() && values.iter().all(|value| *value == b"-" || value.contains(&b'.')))
}

/// Compiles a `LogFormat` string; `stamp` is what a `%t` marks that does not say.
pub(super) fn compile(layout: &str, stamp: Stamp) -> Result<Pattern, OpenError> {
    let mut pieces = percent::pieces(layout)?;
    // A query string comes with its question mark: `%U%q` is one target.
    let letter = |piece: &Piece| if let Piece::Directive(d) = piece { d.letter } else { ' ' };
    let mut at = 1;
    while at < pieces.len() {
        if letter(&pieces[at]) == 'q' && letter(&pieces[at - 1]) == 'U' {
            pieces.remove(at);
        }
        at += 1;
    }
    let tokens = percent::tokens(&pieces, strftime::strftime, stamp, field)?;
    Ok(Pattern::compile(tokens, layout.to_owned()))
}

/// What a directive says.
fn field(directive: &Directive) -> Field {
    let duration = |unit: Unit| Field::Duration { unit, resolution_ns: unit.nanos() };
    match directive.letter {
        'D' => duration(Unit::Micros),
        'T' => match directive.argument.as_str() {
            "us" => duration(Unit::Micros),
            "ms" => duration(Unit::Millis),
            _ => Field::Duration { unit: Unit::Seconds, resolution_ns: SECOND },
        },
        'r' => Field::Request,
        'm' => Field::Method,
        'U' => Field::Target { rank: 1 },
        's' => Field::Status { rank: u8::from(directive.original) },
        'b' | 'B' => Field::Bytes { rank: 0 },
        'O' => Field::Bytes { rank: 1 },
        'v' => Field::Service { rank: 0 },
        'V' => Field::Service { rank: 1 },
        'L' => Field::RequestId,
        'i' | 'o' | 'e' | 'n' => named_value(&directive.argument),
        _ => Field::Skip,
    }
}

/// What a header, variable or note says, by its name.
pub(super) fn named_value(name: &str) -> Field {
    match name.to_ascii_lowercase().as_str() {
        "x-request-id" | "x-correlation-id" | "request-id" | "unique_id" | "x_request_id" | "request_id" => Field::RequestId,
        "traceparent" => Field::TraceParent,
        "x-b3-traceid" | "trace-id" | "x-trace-id" => Field::TraceId,
        "x-b3-spanid" => Field::ParentSpan,
        "balancer_worker_name" => Field::Peer,
        _ => Field::Skip,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Batch, Chunk};

    #[test]
    fn the_target_is_put_together_and_the_finest_duration_kept() {
        let layout = r#"%{%d/%b/%Y:%T}t.%{msec_frac}t %{%z}t|%m|%U%q|%>s|%<s|%T|%{ms}T|%D|%O"#;
        let log = b"22/Nov/2026:17:55:51.250 +0000|GET|/a?b=c|200|302|1|1500|1500012|99\n";
        let decoder: Box<dyn Decoder> = Box::new(compile(layout, Stamp::Start).expect("compiles"));
        let chunk = Chunk::whole(log);
        let mut batch = Batch::new(&chunk);
        decoder.decode(chunk, &mut batch);
        assert_eq!(batch.rejects, []);
        assert_eq!(batch.start.get(0), Some(1_795_370_151_250_000_000));
        assert_eq!(batch.duration.get(0), Some(1_500_012_000));
        assert_eq!(batch.name.get(0, log), Some(&b"/a?b=c"[..]));
        assert_eq!((batch.status.get(0), batch.bytes.get(0)), (Some(200), Some(99)));
        assert_eq!(decoder.facts().resolution_ns, 1000);
        assert_eq!(decoder.facts().stamp_resolution_ns, 1_000_000);
    }
}
