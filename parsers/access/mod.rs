//! Access logs: requests as the edge saw them.

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
