//! Layouts out of a server's configuration: nginx's `log_format`, httpd's `LogFormat` and
//! `CustomLog`, and the pattern of Tomcat's AccessLogValve. Nothing is included or evaluated.
//! <https://nginx.org/en/docs/http/ngx_http_log_module.html#log_format>,
//! <https://httpd.apache.org/docs/2.4/mod/mod_log_config.html#customlog>

/// The layouts a configuration defines, each with its name; those without a name have none. Tomcat's
/// stand behind its name, `tomcat:%h ...`, as httpd has the same notation for other meanings.
pub fn layout_from_config(text: &str) -> Vec<(String, String)> {
    let mut layouts = nginx(text);
    layouts.extend(httpd(text));
    layouts.extend(tomcat(text));
    layouts
}

/// `log_format name [escape=...] 'text' 'text';`
fn nginx(text: &str) -> Vec<(String, String)> {
    let mut layouts = Vec::new();
    let text = without_comments(text);
    let mut rest = text.as_str();
    while let Some(at) = rest.find("log_format") {
        let before = rest[..at].chars().next_back();
        rest = &rest[at + "log_format".len()..];
        if before.is_some_and(|c| !c.is_whitespace() && !matches!(c, ';' | '{' | '}')) || !rest.starts_with(char::is_whitespace) {
            continue;
        }
        let mut words = Vec::new();
        while let Some((word, after)) = word(rest, true) {
            words.push(word);
            rest = after;
        }
        let Some((name, mut parts)) = words.split_first() else { continue };
        if let [first, others @ ..] = parts
            && first.starts_with("escape=")
        {
            parts = others;
        }
        if !parts.is_empty() {
            layouts.push((name.clone(), parts.concat()));
        }
    }
    layouts
}

/// The configuration without comments: a `#` at the start of a line or after a blank, outside of
/// quotes.
fn without_comments(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let (mut quote, mut last, mut comment) = (None, '\n', false);
    for c in text.chars() {
        if c == '\n' {
            comment = false;
        } else if quote.is_none() && c == '#' && last.is_whitespace() {
            comment = true;
        }
        if !comment {
            if last != '\\' && matches!(c, '\'' | '"') {
                quote = match quote {
                    None => Some(c),
                    Some(open) if open == c => None,
                    open => open,
                };
            }
            plain.push(c);
        }
        last = c;
    }
    plain
}

/// `LogFormat "text" name`, `CustomLog path "text"`; a line may go on after a backslash, and
/// nothing comes between the two.
fn httpd(text: &str) -> Vec<(String, String)> {
    let text = text.replace("\\\r\n", "").replace("\\\n", "");
    let mut layouts = Vec::new();
    for line in text.lines() {
        let (directive, rest) = line.trim_start().split_once(char::is_whitespace).unwrap_or_default();
        let first = word(rest, false);
        let second = first.as_ref().and_then(|(_, after)| word(after, false));
        match directive.to_ascii_lowercase().as_str() {
            "logformat" => {
                let name = second.map_or_else(String::new, |(name, _)| name);
                layouts.extend(first.map(|(layout, _)| (name, layout)));
            }
            "customlog" => {
                layouts.extend(second.filter(|(layout, _)| layout.contains('%')).map(|(layout, _)| (String::new(), layout)))
            }
            _ => {}
        }
    }
    layouts.retain(|(_, layout)| layout.contains('%'));
    layouts
}

/// `<Valve className="...AccessLogValve" pattern="text"/>`
fn tomcat(text: &str) -> Vec<(String, String)> {
    let valves = text.split('<').filter(|tag| tag.contains("AccessLogValve"));
    let pattern = |valve: &str| {
        let rest = valve.split_once("pattern=\"")?.1;
        let layout = rest.split_once('"')?.0;
        let layout = layout.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
        Some((String::new(), format!("tomcat:{layout}")))
    };
    valves.filter_map(pattern).collect()
}

/// The next word, quoted or bare, and what follows it; `None` at a semicolon, where such end a
/// directive, and at the end.
fn word(text: &str, semicolons: bool) -> Option<(String, &str)> {
    let text = text.trim_start();
    let first = text.chars().next().filter(|c| !(semicolons && *c == ';'))?;
    let quote = Some(first).filter(|c| matches!(c, '"' | '\''));
    let mut word = String::new();
    let mut chars = text.char_indices().skip(usize::from(quote.is_some())).peekable();
    while let Some((at, c)) = chars.next() {
        match quote {
            Some(quote) if c == quote => return Some((word, &text[at + 1..])),
            None if c.is_whitespace() || (semicolons && c == ';') => return Some((word, &text[at..])),
            _ => {}
        }
        match chars.peek() {
            Some(&(_, next @ ('"' | '\''))) if c == '\\' => {
                word.push(next);
                chars.next();
            }
            _ => word.push(c),
        }
    }
    quote.is_none().then_some((word, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(text: &str) -> Vec<(String, String)> {
        layout_from_config(text)
    }

    #[test]
    fn log_formats_are_put_together() {
        let got = pairs(
            "http {\n  # log_format old '$x';\n  log_format timed escape=default '$remote_addr [$time_local] \"$request\" '\n    \
             # the times\n    'rt=$request_time';\n  access_log /var/log/a.log timed;\n  log_format j escape=json '{\"t\":\"$msec\"}';\n}\n",
        );
        let want = [("timed", r#"$remote_addr [$time_local] "$request" rt=$request_time"#), ("j", r#"{"t":"$msec"}"#)];
        assert_eq!(got, want.map(|(a, b)| (a.to_owned(), b.to_owned())));
    }

    #[test]
    fn httpd_formats_keep_their_names() {
        let got = pairs(
            "# LogFormat \"%x\" off\nLogFormat \"%h %l %u %t \\\"%r\\\" %>s %b\" common\n  LogFormat \"%v %t \\\n%D\" timed\n\
             CustomLog logs/a.log common\nCustomLog \"|/usr/bin/rotatelogs x\" \"%h %s\" env=!x\nLogFormat common\n",
        );
        let want = [("common", r#"%h %l %u %t "%r" %>s %b"#), ("timed", "%v %t %D"), ("", "%h %s")];
        assert_eq!(got, want.map(|(a, b)| (a.to_owned(), b.to_owned())));
    }

    #[test]
    fn valves_are_found() {
        let got = pairs(
            "<Host>\n<Valve className=\"org.apache.catalina.valves.AccessLogValve\" directory=\"logs\"\n \
             pattern=\"%h %t &quot;%r&quot; %s %D %I\" />\n</Host>",
        );
        assert_eq!(got, [(String::new(), r#"tomcat:%h %t "%r" %s %D %I"#.to_owned())]);
    }

    #[test]
    fn what_is_not_closed_ends_quietly() {
        for text in [
            "log_format a '$x",
            "log_format",
            "log_format a",
            "LogFormat \"%h",
            "LogFormat",
            "<AccessLogValve pattern=\"%h",
            "\\",
        ] {
            assert_eq!(pairs(text), [], "{text}");
        }
    }
}
