//! Spans that are waits. No convention has them; tracers and people name them, and by these names
//! they are known. Not here: waits inferred from gaps between spans.

use crate::Kind;
use crate::scan::semconv::{Attributes, Slot};

/// Longest name that is looked at: the names below are short, statements are not.
const MAX_NAME: usize = 80;

/// What a span of this name waits for, if it is a wait.
pub(super) fn kind(name: &[u8], attributes: &Attributes<'_>) -> Option<Kind> {
    if name.len() > MAX_NAME {
        return None;
    }
    let mut lower = [0; MAX_NAME];
    let lower = &mut lower[..name.len()];
    lower.copy_from_slice(name);
    lower.make_ascii_lowercase();
    let (of, verb) = split(lower);
    let pooled = attributes.has(Slot::Pool) || attributes.has(Slot::System);
    match (of, verb) {
        (_, b"getconnection") => Some(Kind::PoolWait),
        (b"pg-pool", b"connect") => Some(Kind::PoolWait),
        (b"pool" | b"hikari" | b"dbcp2" | b"c3p0", b"waiting" | b"wait") => Some(Kind::PoolWait),
        (b"connection", b"acquire") | (b"pool", b"acquire") => Some(Kind::PoolWait),
        (b"semaphore" | b"permit" | b"bulkhead", b"acquire" | b"wait") => Some(Kind::SocketWait),
        (b"lock" | b"mutex", b"acquire" | b"wait") => Some(Kind::LockWait),
        (b"executor" | b"thread" | b"threadpool" | b"worker", b"wait" | b"waiting" | b"queue") => Some(Kind::ThreadWait),
        (b"http_server" | b"request" | b"http", b"queue") => Some(Kind::ThreadWait),
        (b"", b"lock") => Some(Kind::LockWait),
        (b"", b"queue") => Some(Kind::ThreadWait),
        (b"", b"acquire") => Some(Kind::PoolWait),
        (b"", b"wait") if pooled => Some(Kind::PoolWait),
        (b"", b"wait") => Some(Kind::ThreadWait),
        _ => None,
    }
}

/// The name of what is waited for: `HikariDataSource` of `HikariDataSource.getConnection`.
pub(super) fn resource(name: &[u8]) -> &[u8] {
    match split(name).0 {
        b"" => name,
        resource => resource,
    }
}

/// What comes before the last `.`, `-` or blank, and what after; `pg-pool.connect` splits at the dot.
fn split(name: &[u8]) -> (&[u8], &[u8]) {
    let at = [b'.', b' ', b'-'].iter().find_map(|separator| name.iter().rposition(|b| b == separator));
    at.map_or((b"", name), |at| (&name[..at], &name[at + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_known_by_name() {
        for (name, want, resource_of) in [
            ("pg-pool.connect", Kind::PoolWait, "pg-pool"),
            ("HikariDataSource.getConnection", Kind::PoolWait, "HikariDataSource"),
            ("DataSource.getConnection", Kind::PoolWait, "DataSource"),
            ("pool.waiting", Kind::PoolWait, "pool"),
            ("hikari.waiting", Kind::PoolWait, "hikari"),
            ("connection-acquire", Kind::PoolWait, "connection"),
            ("semaphore-acquire", Kind::SocketWait, "semaphore"),
            ("http_server.queue", Kind::ThreadWait, "http_server"),
            ("executor.wait", Kind::ThreadWait, "executor"),
            ("queue", Kind::ThreadWait, "queue"),
            ("lock", Kind::LockWait, "lock"),
        ] {
            assert_eq!(kind(name.as_bytes(), &Attributes::default()), Some(want), "{name}");
            assert_eq!(resource(name.as_bytes()), resource_of.as_bytes(), "{name}");
        }
    }

    #[test]
    fn work_is_no_wait() {
        for name in ["", "pg.connect", "SELECT queue", "GET /queue", "orders queue", "waiter.serve", "block.acquired"] {
            assert_eq!(kind(name.as_bytes(), &Attributes::default()), None, "{name}");
        }
    }
}
