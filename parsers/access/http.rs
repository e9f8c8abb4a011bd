//! What access logs write about an HTTP request, brought to one form.

use crate::scan::line::request_line;
use crate::{Nanos, Reason};

/// The path and query of a target. Proxies write the absolute form, `http://host:80/a?b`; the
/// servers behind them write `/a?b` for the same request.
pub(super) fn path(target: &[u8]) -> &[u8] {
    let scheme = target.iter().take(12).position(|&b| b == b':').unwrap_or(0);
    let Some(rest) = target[scheme..].strip_prefix(b"://").filter(|_| scheme > 0) else {
        return target;
    };
    match rest.iter().position(|&b| matches!(b, b'/' | b'?')) {
        Some(at) => &rest[at..],
        None => b"/",
    }
}

/// Method and path of a request line; both `None` when there was no readable request.
pub(super) fn request(line: &[u8]) -> (Option<&[u8]>, Option<&[u8]>) {
    match request_line(line) {
        Some((b"-", _)) | None => (None, None),
        Some((method, target)) => (Some(method), Some(path(target))),
    }
}

/// The start of what ended at `end`.
pub(super) fn started(end: i64, duration: Option<Nanos>) -> Result<i64, Reason> {
    end.checked_sub(duration.unwrap_or(0)).ok_or(Reason::Time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_absolute_form_loses_scheme_and_host() {
        assert_eq!(path(b"http://www.example.com:80/a?b=c"), b"/a?b=c");
        assert_eq!(path(b"https://[2001:db8::1]:443"), b"/");
        assert_eq!(path(b"/redirect?to=http://x/"), b"/redirect?to=http://x/");
        assert_eq!(path(b"host:443"), b"host:443");
        assert_eq!(path(b"*"), b"*");
    }
}
