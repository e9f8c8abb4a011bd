//! A layout of fields and literals, compiled to steps that read one line front to back. The
//! notations (`$request_time`, `%D`) are compiled to the tokens of this module by their formats.

mod field;
mod split;

pub(in crate::access) use field::{Field, Form};

use crate::operation::{Kind, Operation, Role};
use crate::{Batch, Facts, LineDecoder, Memo, Nanos, Options, Reason, Stamp, Unit};
use split::End;

/// A piece of a layout.
#[derive(Clone, Debug)]
pub(in crate::access) enum Token {
    /// Text that stands in every line.
    Literal(Vec<u8>),
    /// A value. `list`: it may hold `, ` and ` : ` although nothing quotes it.
    Field { field: Field, list: bool },
}

impl Token {
    /// A value that holds no blanks of its own.
    pub(in crate::access) fn field(field: Field) -> Self {
        Token::Field { field, list: false }
    }

    /// A literal.
    pub(in crate::access) fn literal(text: impl AsRef<[u8]>) -> Self {
        Token::Literal(text.as_ref().to_vec())
    }
}

/// One value and what ends it.
#[derive(Debug)]
struct Step {
    field: Field,
    end: End,
}

/// A compiled layout.
#[derive(Debug)]
pub(in crate::access) struct Pattern {
    start: Box<[u8]>,
    steps: Vec<Step>,
    stamp: Option<Stamp>,
    /// Whether the target stands in quotes, so that backslashes escape in it.
    escapes: bool,
    /// Whether lines say no more than [`Batch::push_plain`] takes.
    is_plain: bool,
    facts: Facts,
}

impl Pattern {
    /// Compiles tokens. Of several fields that say the same, the finest is kept.
    pub(in crate::access) fn compile(tokens: Vec<Token>, layout: String) -> Self {
        let mut assumptions = Vec::new();
        let mut tokens = join(tokens, &mut assumptions);
        choose(&mut tokens);
        let mut tokens = tokens.into_iter().peekable();
        let mut start = Vec::new();
        if let Some(Token::Literal(text)) = tokens.next_if(|t| matches!(t, Token::Literal(_))) {
            start = text;
        }
        let mut steps = Vec::new();
        let mut quoted = start.last() == Some(&b'"');
        let mut facts = Facts { layout, assumptions, ..Facts::default() };
        let mut stamp = None;
        while let Some(token) = tokens.next() {
            let Token::Field { field, list } = token else { continue };
            let next = match tokens.peek() {
                Some(Token::Field { .. }) => Some(End::Slash),
                Some(Token::Literal(_)) => None,
                None => Some(End::Line),
            };
            let end = next.unwrap_or_else(|| {
                let Some(Token::Literal(text)) = tokens.next() else { return End::Line };
                let inside = field.inside(text[0]);
                let end = match inside {
                    0 => End::of(&text, quoted, list, tokens.peek().is_none()),
                    _ => End::Nth { text: text.as_slice().into(), inside },
                };
                quoted = text.last() == Some(&b'"');
                end
            });
            match &field {
                Field::Stamp { form, marks, resolution_ns } => {
                    facts.stamp_resolution_ns = *resolution_ns;
                    facts.stamp = Some(*marks);
                    facts.zone_missing = !form.zoned();
                    stamp = Some(*marks);
                }
                Field::Duration { unit, resolution_ns } => {
                    facts.unit = Some(*unit);
                    facts.resolution_ns = *resolution_ns;
                }
                Field::Upstream if facts.unit.is_none() => facts.unit = Some(Unit::Seconds),
                _ => {}
            }
            steps.push(Step { field, end });
        }
        if facts.unit.is_some() && facts.resolution_ns == 0 {
            facts.resolution_ns = 1_000_000;
        }
        let is_target = |field: &Field| matches!(field, Field::Request | Field::Target { .. });
        let escapes = steps.iter().any(|step| is_target(&step.field) && step.end.is_quote());
        let is_plain = steps.iter().all(|step| step.field.is_plain());
        Pattern { start: start.into(), steps, stamp, escapes, is_plain, facts }
    }

    /// Takes over what the user says: the stamp marks what `options` tell, whatever the layout's default.
    pub(in crate::access) fn opened(mut self, options: &Options) -> Self {
        if let Some(stamp) = options.stamp.filter(|_| self.stamp.is_some()) {
            self.stamp = Some(stamp);
            self.facts.stamp = Some(stamp);
        }
        // Requests of one tier have no use for an id that only other tiers' logs could share.
        let is_tier =
            |step: &Step| matches!(step.field, Field::Service { .. } | Field::SpanId | Field::ParentSpan | Field::TraceParent);
        if options.alone && !self.steps.iter().any(is_tier) {
            let ids = self.steps.iter_mut().filter(|step| matches!(step.field, Field::RequestId));
            ids.for_each(|step| step.field = Field::Skip);
            self.is_plain = self.steps.iter().all(|step| step.field.is_plain());
        }
        self
    }

    /// Takes durations to be written in steps of so many nanoseconds.
    pub(in crate::access) fn resolution(mut self, nanos: Nanos) -> Self {
        self.facts.resolution_ns = nanos;
        self
    }

    /// Adds what had to be assumed.
    pub(in crate::access) fn assume(mut self, sentence: impl Into<String>) -> Self {
        self.facts.assumptions.push(sentence.into());
        self
    }

    /// Whether the layout holds a duration of the whole request.
    pub(in crate::access) fn has_duration(&self) -> bool {
        self.steps.iter().any(|s| matches!(s.field, Field::Duration { .. }))
    }

    /// The values of a line, one for each field of the layout as compiled.
    pub(in crate::access) fn values<'a>(&self, line: &'a [u8]) -> Option<Vec<&'a [u8]>> {
        let mut rest = line.strip_prefix(&*self.start)?;
        let mut values = Vec::with_capacity(self.steps.len());
        for step in &self.steps {
            let (value, after) = step.end.split(rest)?;
            values.push(value);
            rest = after;
        }
        Some(values)
    }

    /// Whether the line has the layout's shape and values.
    pub(in crate::access) fn fits(&self, line: &[u8]) -> bool {
        let mut op = Operation::new(Kind::Request);
        self.read(line, &mut op, &mut Memo::default()).is_ok()
    }

    #[inline]
    fn read<'a>(&self, line: &'a [u8], op: &mut Operation<'a>, memo: &mut Memo) -> Result<(), Reason> {
        let mut rest = match self.start.is_empty() {
            true => line,
            false => line.strip_prefix(&*self.start).ok_or(Reason::Shape)?,
        };
        for step in &self.steps {
            let (value, after) = step.end.split(rest).ok_or(Reason::Shape)?;
            step.field.read(value, op, memo)?;
            rest = after;
        }
        if rest.is_empty() || rest.trim_ascii().is_empty() { Ok(()) } else { Err(Reason::Shape) }
    }
}

impl LineDecoder for Pattern {
    fn facts(&self) -> Facts {
        self.facts.clone()
    }

    fn line(&self, line: &[u8], memo: &mut Memo, batch: &mut Batch) -> Result<(), Reason> {
        let plain;
        let mut op = Operation::new(Kind::Request);
        op.role = Role::Server;
        self.read(line, &mut op, memo)?;
        finish(&mut op, self.stamp);
        if self.escapes
            && let Some(name) = op.name.filter(|name| memchr::memchr(b'\\', name).is_some())
        {
            plain = field::unescape(name);
            op.name = Some(&plain);
        }
        match self.is_plain {
            true => batch.push_plain(&op),
            false => batch.push(&op),
        }
        Ok(())
    }
}

/// Takes the duration off an end stamp, and the connect time out of the upstream time that holds it.
#[inline]
fn finish(op: &mut Operation<'_>, stamp: Option<Stamp>) {
    if stamp == Some(Stamp::End)
        && let (Some(end), Some(duration)) = (op.start, op.duration)
    {
        op.start = Some(end.saturating_sub(duration));
    }
    if let (Some(whole), Some(connect)) = (op.parts.upstream, op.parts.network) {
        op.parts.upstream = Some((whole - connect).max(0));
    }
}

/// Joins neighbours: literals to one, and fields with nothing between them to one that is skipped,
/// except before a request target, which starts with a slash.
fn join(tokens: Vec<Token>, assumptions: &mut Vec<String>) -> Vec<Token> {
    let mut joined: Vec<Token> = Vec::with_capacity(tokens.len());
    for token in tokens {
        match (joined.last_mut(), token) {
            (Some(Token::Literal(before)), Token::Literal(text)) => before.extend(text),
            (Some(Token::Field { .. }), token @ Token::Field { field: Field::Target { .. }, .. }) => joined.push(token),
            (Some(Token::Field { field: a, list }), Token::Field { field: b, list: more }) => {
                if !matches!((&*a, &b), (Field::Skip, Field::Skip)) {
                    assumptions.push("The layout puts fields next to each other with nothing between: they are left out.".into());
                }
                (*a, *list) = (Field::Skip, *list | more);
            }
            (_, Token::Literal(text)) if text.is_empty() => {}
            (_, token) => joined.push(token),
        }
    }
    joined
}

/// Leaves one field of those that say the same: the one of lowest rank, of equal ones the first.
fn choose(tokens: &mut [Token]) {
    let mut best: Vec<(u8, i64, usize)> = Vec::new();
    for (i, token) in tokens.iter().enumerate() {
        let Token::Field { field, .. } = token else { continue };
        let Some((slot, rank)) = field.slot() else { continue };
        match best.iter_mut().find(|(s, ..)| *s == slot) {
            Some(held) if held.1 <= rank => {}
            Some(held) => *held = (slot, rank, i),
            None => best.push((slot, rank, i)),
        }
    }
    for (i, token) in tokens.iter_mut().enumerate() {
        let Token::Field { field, .. } = token else { continue };
        if field.slot().is_some() && !best.iter().any(|&(_, _, at)| at == i) {
            *field = Field::Skip;
        }
    }
}
