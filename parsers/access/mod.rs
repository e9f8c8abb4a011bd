//! Access logs: requests as the edge saw them.

mod caddy;
mod custom;
mod envoy_json;
mod fields;
mod json_lines;
mod ltsv;
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
mod traefik_json;
mod alb;
mod cloudfront;
mod elb;
mod envoy;
mod first_lines;
mod haproxy;
mod http;
mod jmeter;
mod nlb;
mod s3;
mod squid;
mod traefik;
mod w3c;

use crate::Format;

/// Access-log formats, the most specific first.
pub static FORMATS: &[&dyn Format] = &[
    &nginx::Nginx,
    &traefik_json::TraefikJson,
    &caddy::Caddy,
    &envoy_json::EnvoyJson,
    &ltsv::Ltsv,
    &json_lines::JsonLines,
    &custom::Custom,
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
    &cloudfront::Cloudfront,
    &w3c::Iis,
    &w3c::W3c,
    &jmeter::Jmeter,
    &jmeter::JmeterXml,
    &alb::Alb,
    &elb::Elb,
    &nlb::Nlb,
    &s3::S3,
    &envoy::Envoy,
    &haproxy::Haproxy,
    &traefik::Traefik,
    &squid::Squid,
];
