//! nginx access logs: any `log_format`, given or found out.
//! Times as in <https://nginx.org/en/docs/http/ngx_http_core_module.html#var_request_time>.

mod detect;
pub(in crate::access) mod layout;

use crate::{Decoder, Family, Format, OpenError, Options, Spec, Stamp, Unit, Verdict};

/// The format.
pub(super) struct Nginx;

static SPEC: Spec = Spec {
    name: "nginx",
    family: Family::Access,
    title: "nginx access log, any log_format",
    source: "https://nginx.org/en/docs/http/ngx_http_log_module.html",
    stamp: Stamp::End,
    unit: Some(Unit::Seconds),
    resolution_ns: 1_000_000,
    sample: concat!(
        r#"203.0.113.7 - - [22/Nov/2026:17:55:51 +0000] "GET /api/accounts/7?full=1 HTTP/1.1" 200 25 "-" "Mozilla/5.0 (X11)" "#,
        "rt=0.226 uct=0.001, 0.000 urt=0.100, 0.126 rid=8948d38fbb2c3f9b5fcce20e667f3a96\n",
        r#"2001:db8::1 - bob [22/Nov/2026:17:55:52 +0000] "\x16\x03\x01" 400 150 "-" "-" "#,
        "rt=0.000 uct=- urt=- rid=c3019aed21f7e3c03b82df1d7c1fdd32\n",
    ),
};

impl Format for Nginx {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn sniff(&self, head: &[u8]) -> Verdict {
        detect::guess(head).map_or(Verdict::NO, |guess| guess.verdict)
    }

    /// A layout with a `$` before a letter or a brace is nginx's.
    fn takes_layout(&self, layout: &str) -> bool {
        layout.as_bytes().windows(2).any(|w| w[0] == b'$' && (w[1].is_ascii_alphabetic() || w[1] == b'{'))
    }

    fn open(&self, head: &[u8], options: &Options) -> Result<Box<dyn Decoder>, OpenError> {
        let pattern = match options.layout.as_deref() {
            Some("combined") => layout::compile(layout::COMBINED)?,
            Some("common") => layout::compile(layout::COMMON)?,
            Some(given) => layout::compile(given)?,
            None => {
                let guess = detect::guess(head).ok_or_else(|| {
                    OpenError::new("the first lines have no layout known here; give the log_format string with --log-format")
                })?;
                guess.pattern
            }
        };
        Ok(Box::new(pattern.opened(options)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Batch, Chunk};

    /// How many rows of a line have a request id.
    fn ids(layout: &str, line: &str, alone: bool) -> usize {
        let options = Options { layout: Some(layout.to_owned()), alone, ..Options::default() };
        let decoder = Nginx.open(line.as_bytes(), &options).expect("a layout");
        let chunk = Chunk::whole(line.as_bytes());
        let mut batch = Batch::new(&chunk);
        decoder.decode(chunk, &mut batch);
        assert_eq!((batch.len(), batch.rejects.len(), batch.status.get(0)), (1, 0, Some(200)), "{line}");
        batch.request.values().len()
    }

    #[test]
    fn a_log_that_is_read_alone_needs_no_ids_unless_it_holds_several_tiers() {
        let (one, line) = ("$request_id \"$request\" $status", "2b671db30653d06be86cf396065e9487 \"GET /a HTTP/1.1\" 200\n");
        assert_eq!((ids(one, line, false), ids(one, line, true)), (1, 0));
        let (tiers, line) = ("$host $request_id \"$request\" $status", "a.example 2b67 \"GET /a HTTP/1.1\" 200\n");
        assert_eq!((ids(tiers, line, false), ids(tiers, line, true)), (1, 1));
    }
}
