//! Access logs of the Kubernetes ingress controller of nginx, in its default layout.
//! <https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/log-format/>

use super::nginx::layout;
use super::shape;
use crate::{Decoder, Family, Format, OpenError, Options, Spec, Stamp, Unit, Verdict};

/// The format.
pub(super) struct IngressNginx;

static SPEC: Spec = Spec {
    name: "ingress-nginx",
    family: Family::Access,
    title: "Kubernetes ingress-nginx access log, default layout",
    source: "https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/log-format/",
    stamp: Stamp::End,
    unit: Some(Unit::Seconds),
    resolution_ns: 1_000_000,
    sample: concat!(
        r#"203.0.113.7 - - [22/Nov/2026:17:55:51 +0000] "GET /a?b=c HTTP/2.0" 200 612 "-" "curl/8.5.0" 73 0.120 "#,
        "[default-web-80] [] 10.1.0.7:8080, 10.1.0.8:8080 0, 612 0.050, 0.068 502, 200 8948d38fbb2c3f9b5fcce20e667f3a96\n",
        r#"203.0.113.8 - bob [22/Nov/2026:17:55:52 +0000] "GET / HTTP/1.1" 404 146 "-" "-" 40 0.000 "#,
        "[] [] - - - - c3019aed21f7e3c03b82df1d7c1fdd32\n",
    ),
};

const DEFAULT: &str = concat!(
    r#"$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent" "#,
    "$request_length $request_time [$proxy_upstream_name] [$proxy_alternative_upstream_name] ",
    "$upstream_addr $upstream_response_length $upstream_response_time $upstream_status $req_id"
);

impl Format for IngressNginx {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn sniff(&self, head: &[u8]) -> Verdict {
        let lines = shape::first_lines(head);
        let Ok(pattern) = layout::compile(DEFAULT) else { return Verdict::NO };
        let share = shape::share(&lines, |line| pattern.fits(line));
        if share < 60 {
            return Verdict::NO;
        }
        Verdict::new(94, format!("{share} % of the first {} lines read as the controller's default layout", lines.len()))
    }

    fn open(&self, _head: &[u8], options: &Options) -> Result<Box<dyn Decoder>, OpenError> {
        let pattern = layout::compile(options.layout.as_deref().unwrap_or(DEFAULT))?;
        Ok(Box::new(pattern.opened(options)))
    }
}
