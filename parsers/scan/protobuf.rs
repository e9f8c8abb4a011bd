//! Reads protobuf's wire format, one message at a time, and knows no schema:
//! <https://protobuf.dev/programming-guides/encoding/>. Groups, long out of use, are malformed here.

/// A field's value as its wire type gives it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Value<'a> {
    /// A varint: whole numbers, booleans, enums.
    Varint(u64),
    /// Eight bytes, little endian.
    Fixed64(u64),
    /// Four bytes, little endian.
    Fixed32(u32),
    /// Bytes with their length: texts and messages.
    Bytes(&'a [u8]),
    /// Bytes whose length runs past the end: what there is of them.
    Cut(&'a [u8]),
}

impl<'a> Value<'a> {
    /// The bytes of a text or message, whole or cut.
    pub fn bytes(self) -> Option<&'a [u8]> {
        match self {
            Value::Bytes(bytes) | Value::Cut(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// The number of any numeric type.
    pub fn number(self) -> Option<u64> {
        match self {
            Value::Varint(value) | Value::Fixed64(value) => Some(value),
            Value::Fixed32(value) => Some(value.into()),
            _ => None,
        }
    }
}

/// The bytes are no protobuf from here on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Malformed;

/// Reads the fields of a message in the order they stand.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    /// The fields of a message.
    pub fn new(message: &'a [u8]) -> Self {
        Fields { rest: message }
    }

    /// What has not been read.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// A field's number and value; `None` at the end.
    ///
    /// # Errors
    /// When there is no field here. What was read before stands; nothing after can be read.
    #[inline]
    pub fn read(&mut self) -> Result<Option<(u32, Value<'a>)>, Malformed> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let (tag, rest) = varint(self.rest).ok_or(Malformed)?;
        let number = u32::try_from(tag >> 3).ok().filter(|&number| number != 0).ok_or(Malformed)?;
        let (value, rest) = match tag & 7 {
            0 => {
                let (value, rest) = varint(rest).ok_or(Malformed)?;
                (Value::Varint(value), rest)
            }
            1 => {
                let (value, rest) = rest.split_first_chunk().ok_or(Malformed)?;
                (Value::Fixed64(u64::from_le_bytes(*value)), rest)
            }
            2 => {
                let (len, rest) = varint(rest).ok_or(Malformed)?;
                match usize::try_from(len).ok().and_then(|len| rest.split_at_checked(len)) {
                    Some((bytes, rest)) => (Value::Bytes(bytes), rest),
                    None => (Value::Cut(rest), &b""[..]),
                }
            }
            5 => {
                let (value, rest) = rest.split_first_chunk().ok_or(Malformed)?;
                (Value::Fixed32(u32::from_le_bytes(*value)), rest)
            }
            _ => return Err(Malformed),
        };
        self.rest = rest;
        Ok(Some((number, value)))
    }
}

/// A varint and what follows it.
#[inline]
fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0;
    for (i, &b) in bytes.iter().take(10).enumerate() {
        value |= u64::from(b & 0x7f) << (7 * i);
        if b < 0x80 {
            return Some((value, &bytes[i + 1..]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wire_type_is_read() {
        // The encoding guide's own examples: field 1 = 150, field 2 = "testing".
        let mut fields = Fields::new(&[0x08, 0x96, 0x01, 0x12, 0x07, b't', b'e', b's', b't', b'i', b'n', b'g', 0x1d, 1, 0, 0, 0]);
        assert_eq!(fields.read(), Ok(Some((1, Value::Varint(150)))));
        assert_eq!(fields.read(), Ok(Some((2, Value::Bytes(b"testing")))));
        assert_eq!(fields.read(), Ok(Some((3, Value::Fixed32(1)))));
        assert_eq!(fields.read(), Ok(None));
        assert_eq!(Fields::new(&[0x21, 2, 0, 0, 0, 0, 0, 0, 0]).read(), Ok(Some((4, Value::Fixed64(2)))));
    }

    #[test]
    fn damage_is_an_error_and_a_cut_is_told() {
        for bytes in [&[0x80][..], &[0x00], &[0x0b], &[0x09, 1], &[0x08], &[0xff; 12]] {
            assert_eq!(Fields::new(bytes).read(), Err(Malformed), "{bytes:?}");
        }
        assert_eq!(Fields::new(&[0x0a, 0x05, b'a']).read(), Ok(Some((1, Value::Cut(b"a")))));
        assert_eq!(
            Fields::new(&[0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]).read(),
            Ok(Some((1, Value::Cut(b""))))
        );
    }
}
