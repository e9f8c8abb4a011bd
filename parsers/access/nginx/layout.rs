//! `log_format` strings: variables and the text between them.
//! <https://nginx.org/en/docs/http/ngx_http_log_module.html#log_format>

use nom::Parser;
use nom::branch::alt;
use nom::bytes::complete::{is_not, tag, take_while1};
use nom::character::complete::char;
use nom::combinator::{all_consuming, map};
use nom::multi::many0;
use nom::sequence::{delimited, preceded};

use crate::access::pattern::{Field, Form, Pattern, Token};
use crate::scan::time::SECOND;
use crate::{OpenError, Stamp, Unit};

/// The layout nginx uses when it is given none.
pub(in crate::access) const COMBINED: &str =
    r#"$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent""#;

/// The layout of CERN's and NCSA's servers, in nginx's notation.
pub(in crate::access) const COMMON: &str = r#"$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent"#;

/// Compiles a `log_format` string.
pub(in crate::access) fn compile(layout: &str) -> Result<Pattern, OpenError> {
    let tokens = all_consuming(many0(alt((variable, literal))))
        .parse(layout)
        .map_err(|_: nom::Err<nom::error::Error<&str>>| {
            OpenError::new(format!("`{layout}` is no log_format: a `$` stands without the name of a variable"))
        })?
        .1;
    Ok(Pattern::compile(tokens, layout.to_owned()))
}

fn literal(input: &str) -> nom::IResult<&str, Token> {
    map(is_not("$"), |text: &str| Token::literal(text)).parse(input)
}

fn variable(input: &str) -> nom::IResult<&str, Token> {
    let name = || take_while1(|c: char| c.is_ascii_alphanumeric() || c == '_');
    map(preceded(char('$'), alt((delimited(tag("{"), name(), tag("}")), name()))), token).parse(input)
}

fn token(name: &str) -> Token {
    let list = name.starts_with("upstream_") || matches!(name, "http_x_forwarded_for" | "proxy_add_x_forwarded_for");
    Token::Field { field: field(name), list: list || name.starts_with("field_") }
}

/// What a variable says. Every stamp is taken when the request is logged, which is its end.
fn field(name: &str) -> Field {
    let stamp = |form, resolution_ns| Field::Stamp { form, marks: Stamp::End, resolution_ns };
    match name {
        "time_local" => stamp(Form::Clf, SECOND),
        "time_iso8601" => stamp(Form::Iso, SECOND),
        "msec" => stamp(Form::EpochSeconds, SECOND / 1000),
        "request_time" => Field::Duration { unit: Unit::Seconds, resolution_ns: SECOND / 1000 },
        "upstream_connect_time" => Field::Connect,
        "upstream_response_time" => Field::Upstream,
        "upstream_addr" => Field::Peer,
        "request" => Field::Request,
        "request_method" => Field::Method,
        "request_uri" => Field::Target { rank: 1 },
        "uri" | "document_uri" => Field::Target { rank: 2 },
        "status" => Field::Status { rank: 0 },
        "body_bytes_sent" => Field::Bytes { rank: 0 },
        "bytes_sent" => Field::Bytes { rank: 1 },
        "request_id"
        | "req_id"
        | "http_x_request_id"
        | "http_x_correlation_id"
        | "http_request_id"
        | "http_x_req_id"
        | "sent_http_x_request_id"
        | "upstream_http_x_request_id" => Field::RequestId,
        "http_traceparent" => Field::TraceParent,
        "otel_trace_id" | "opentelemetry_trace_id" | "http_x_b3_traceid" => Field::TraceId,
        "otel_span_id" | "opentelemetry_span_id" => Field::SpanId,
        "otel_parent_id" | "http_x_b3_spanid" => Field::ParentSpan,
        "server_name" => Field::Service { rank: 0 },
        "host" => Field::Service { rank: 1 },
        "hostname" => Field::Instance,
        _ => Field::Skip,
    }
}
