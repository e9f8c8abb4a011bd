//! Access logs: requests as the edge saw them.

use crate::Format;

mod apache;
mod config;
mod gunicorn;
mod ingress_nginx;
mod lighttpd;
mod nginx;
mod pattern;
mod percent;
mod settle;
mod shape;
mod strftime;
mod tomcat;
mod uwsgi;

pub use config::layout_from_config;

/// Access-log formats, the most specific first.
pub static FORMATS: &[&dyn Format] = &[
    &ingress_nginx::IngressNginx,
    &nginx::Nginx,
    &tomcat::Tomcat,
    &gunicorn::Gunicorn,
    &uwsgi::Uwsgi,
    &lighttpd::Lighttpd,
    &apache::Apache,
];
