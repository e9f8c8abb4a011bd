//! lighttpd access logs in the default layout, whose second word is the host. Its other layouts
//! are written in httpd's notation, except that `%t` stamps the end of a request.
//! <https://redmine.lighttpd.net/projects/lighttpd/wiki/Mod_accesslog>

use super::apache;
use super::shape::{self, Before};
use crate::{Decoder, Family, Format, OpenError, Options, Spec, Stamp, Verdict};

/// The format.
pub(super) struct Lighttpd;

static SPEC: Spec = Spec {
    name: "lighttpd",
    family: Family::Access,
    title: "lighttpd access log, default or given in httpd's notation",
    source: "https://redmine.lighttpd.net/projects/lighttpd/wiki/Mod_accesslog",
    stamp: Stamp::End,
    unit: None,
    resolution_ns: 0,
    sample: concat!(
        r#"203.0.113.7 www.example.org - [22/Nov/2026:17:55:51 +0000] "GET /a?b=c HTTP/1.1" 200 612 "-" "curl/8.5.0""#,
        "\n",
        r#"203.0.113.8 example.org bob [22/Nov/2026:17:55:52 +0000] "GET /b HTTP/1.1" 404 345 "-" "Mozilla/5.0 (X11)""#,
        "\n",
    ),
};

/// The layout that lighttpd uses when it is given none.
const DEFAULT: &str = r#"%h %V %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i""#;

impl Format for Lighttpd {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn sniff(&self, head: &[u8]) -> Verdict {
        let lines = shape::first_lines(head);
        let Some(shape) = shape::of(&lines) else { return Verdict::NO };
        let host_second = matches!(shape.before.as_slice(), [Before::Client, Before::Host, _]);
        if !host_second || shape.iso || !shape.is_combined() || shape.values.len() != 2 {
            return Verdict::NO;
        }
        Verdict::new(66, "combined log with the host in the second place, as lighttpd writes by default; no durations")
    }

    fn open(&self, _head: &[u8], options: &Options) -> Result<Box<dyn Decoder>, OpenError> {
        let pattern = apache::compile(options.layout.as_deref().unwrap_or(DEFAULT), Stamp::End)?;
        Ok(Box::new(pattern.opened(options)))
    }
}
