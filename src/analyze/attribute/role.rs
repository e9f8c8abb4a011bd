//! Which side of a call a span was written by.

/// The side, numbered like `narrows_parsers::Role`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Role {
    /// The record does not say.
    #[default]
    Unknown,
    /// The callee.
    Server,
    /// The caller.
    Client,
    /// The sender of a message, who does not wait.
    Producer,
    /// The receiver of a message.
    Consumer,
    /// Work within one service.
    Internal,
}

impl Role {
    /// The role of a number; what is out of range is unknown.
    pub const fn from_number(number: u8) -> Self {
        match number {
            1 => Role::Server,
            2 => Role::Client,
            3 => Role::Producer,
            4 => Role::Consumer,
            5 => Role::Internal,
            _ => Role::Unknown,
        }
    }
}
