//! Routes given by the user: they override the templates.

use crate::error::{Error, Result};

/// A set of routes, tried in the order of how many of their segments are fixed.
#[derive(Clone, Debug, Default)]
pub struct Routes {
    routes: Vec<Route>,
}

#[derive(Clone, Debug)]
struct Route {
    text: String,
    parts: Vec<Part>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum Part {
    Fixed(String),
    Any,
    Rest,
}

impl Routes {
    /// Compiles routes such as `/files/{path...}`, `/users/:id` or `/a/*/b`.
    ///
    /// # Errors
    /// [`Error::Usage`] when one does not start with a slash or has a rest before its end.
    pub fn compile<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Routes> {
        let mut routes = texts.into_iter().map(Route::compile).collect::<Result<Vec<_>>>()?;
        let fixed = |r: &Route| r.parts.iter().filter(|p| matches!(p, Part::Fixed(_))).count();
        routes.sort_by_key(|r| std::cmp::Reverse(fixed(r)));
        Ok(Routes { routes })
    }

    /// The paths of an OpenAPI or Swagger document in JSON, with the base path of its servers.
    ///
    /// # Errors
    /// [`Error::Usage`] when it is no such document.
    pub fn paths_of_openapi(text: &str) -> Result<Vec<String>> {
        let document: serde_json::Value =
            serde_json::from_str(text).map_err(|e| Error::Usage(format!("no OpenAPI document in JSON: {e}")))?;
        let paths = document.get("paths").and_then(|p| p.as_object());
        let paths = paths.ok_or_else(|| Error::Usage("no OpenAPI document: it has no `paths`".to_owned()))?;
        let server = document.pointer("/servers/0/url").or_else(|| document.get("basePath")).and_then(|v| v.as_str());
        let server = server.unwrap_or_default();
        let base = match server.split_once("://") {
            Some((_, rest)) => rest.find('/').map_or("", |at| &rest[at..]),
            None => server,
        };
        Ok(paths.keys().map(|path| format!("{}{path}", base.trim_end_matches('/'))).collect())
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.routes.is_empty()
    }

    /// Appends the first route that fits a request target to `out`; `false` when none does.
    pub(super) fn apply(&self, target: &[u8], out: &mut Vec<u8>) -> bool {
        if self.routes.is_empty() {
            return false;
        }
        let path = target.split(|b| matches!(b, b'?' | b'#')).next().unwrap_or_default();
        let segments: Vec<&[u8]> = path.strip_prefix(b"/").unwrap_or(path).split(|&b| b == b'/').collect();
        let found = self.routes.iter().find(|route| route.fits(&segments));
        found.is_some_and(|route| {
            out.extend_from_slice(route.text.as_bytes());
            true
        })
    }
}

impl Route {
    fn compile(text: &str) -> Result<Route> {
        let usage = |why: &str| Error::Usage(format!("route `{text}`: {why}; write for example /files/{{path...}}"));
        let path = text.strip_prefix('/').ok_or_else(|| usage("does not start with a slash"))?;
        let parts: Vec<Part> = path.split('/').map(Part::compile).collect();
        if parts.iter().rev().skip(1).any(|p| *p == Part::Rest) {
            return Err(usage("only its last segment may take the rest of a path"));
        }
        Ok(Route { text: text.to_owned(), parts })
    }

    fn fits(&self, segments: &[&[u8]]) -> bool {
        let rest = self.parts.last() == Some(&Part::Rest);
        let fixed = self.parts.len() - usize::from(rest);
        let enough = if rest { segments.len() > fixed } else { segments.len() == fixed };
        enough && self.parts.iter().zip(segments).all(|(part, segment)| match part {
            Part::Fixed(text) => text.as_bytes() == *segment,
            Part::Any | Part::Rest => !segment.is_empty(),
        })
    }
}

impl Part {
    fn compile(text: &str) -> Part {
        match text {
            "**" => Part::Rest,
            t if t.starts_with('{') && t.ends_with("...}") => Part::Rest,
            "*" => Part::Any,
            t if t.starts_with(':') || (t.starts_with('{') && t.ends_with('}')) => Part::Any,
            t => Part::Fixed(t.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apply(routes: &[&str], target: &str) -> Option<String> {
        let mut out = Vec::new();
        let routes = Routes::compile(routes.iter().copied()).expect("compiles");
        routes.apply(target.as_bytes(), &mut out).then(|| String::from_utf8(out).expect("text"))
    }

    #[test]
    fn the_most_fixed_route_wins() {
        let routes = ["/files/{path...}", "/files/{name}/meta", "/users/:id"];
        assert_eq!(apply(&routes, "/files/a/b/c?x=1").as_deref(), Some("/files/{path...}"));
        assert_eq!(apply(&routes, "/files/a/meta").as_deref(), Some("/files/{name}/meta"));
        assert_eq!(apply(&routes, "/users/alice").as_deref(), Some("/users/:id"));
        assert_eq!(apply(&routes, "/users/alice/x"), None);
        assert_eq!(apply(&routes, "/files"), None);
    }

    #[test]
    fn an_openapi_document_gives_its_paths() {
        let text = r#"{"openapi":"3.0.0","servers":[{"url":"https://h/api/v1"}],"paths":{"/pets/{petId}":{},"/pets":{}}}"#;
        let mut paths = Routes::paths_of_openapi(text).expect("reads");
        paths.sort();
        assert_eq!(paths, ["/api/v1/pets", "/api/v1/pets/{petId}"]);
        assert!(Routes::paths_of_openapi("{}").is_err());
    }

    #[test]
    fn routes_that_make_no_sense_are_refused() {
        assert!(Routes::compile(["files"]).is_err());
        assert!(Routes::compile(["/a/{rest...}/b"]).is_err());
    }
}
