//! Access logs: requests as the edge saw them.

mod alb;
mod apache;
mod caddy;
mod cloudfront;
mod config;
mod custom;
mod elb;
mod envoy;
mod envoy_json;
mod fields;
mod first_lines;
mod gunicorn;
mod haproxy;
mod heroku;
mod http;
mod ingress_nginx;
mod jmeter;
mod json_lines;
mod lighttpd;
mod ltsv;
mod nginx;
mod nlb;
mod pattern;
mod percent;
mod s3;
mod settle;
mod shape;
mod squid;
mod strftime;
mod tomcat;
mod traefik;
mod traefik_json;
mod uwsgi;
mod w3c;

pub use config::layout_from_config;

use crate::Format;

/// Access-log formats, the most specific first.
pub static FORMATS: &[&dyn Format] = &[
    &traefik_json::TraefikJson,
    &caddy::Caddy,
    &envoy_json::EnvoyJson,
    &ltsv::Ltsv,
    &ingress_nginx::IngressNginx,
    &nginx::Nginx,
    &gunicorn::Gunicorn,
    &uwsgi::Uwsgi,
    &lighttpd::Lighttpd,
    &apache::Apache,
    &tomcat::Tomcat,
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
    &heroku::Heroku,
    &traefik::Traefik,
    &squid::Squid,
    &json_lines::JsonLines,
    &custom::Custom,
];
