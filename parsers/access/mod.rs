//! Access logs: requests as the edge saw them.

mod caddy;
mod custom;
mod envoy_json;
mod fields;
mod json_lines;
mod ltsv;
mod nginx;
mod pattern;
mod shape;
mod traefik_json;

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
];
