//! One message for many migrations, and the way back from its statements to them.
//!
//! Each migration is a transaction of its own in it. What stands between a `COMMIT` and the next `BEGIN`
//! would belong to the transaction behind it, so nothing does: a session is given back its start inside
//! the transaction that may have changed it.

use std::ops::Range;

use sharded_migrations_core::Direction;

use super::history::{self, Tables};
use super::{lock, sql};
use crate::engine::{Commits, Server, Since, Step};

/// What is sent at once, beyond which the rest is sent behind it: the server keeps a message as a whole,
/// and its parse tree besides.
const MOST_BYTES: usize = 4 << 20;

/// A message, as it is built up.
pub(super) struct Message {
    pub(super) text: String,
    statements: usize,
    /// The statement that fails when somebody else holds the migration lock.
    lock: usize,
    parts: Vec<Part>,
}

/// One migration in a message. Statements are counted from the start of the message.
struct Part {
    /// Takes the history's lock.
    lock: usize,
    /// The migration's own.
    own: Range<usize>,
    /// Writes the history row, or deletes it, if the history is what it should be.
    row: usize,
    commit: usize,
    /// The bytes of the migration's text.
    text: Range<usize>,
}

/// Where a message stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Before the first migration: at the lock, or elsewhere.
    Prelude { is_lock: bool },
    /// In the part of a migration.
    Part { index: usize, at: Within },
}

/// Where in a migration's part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Within {
    /// Where the history is locked.
    Lock,
    /// In one of the migration's own statements.
    Own(usize),
    /// Where the history row is written or deleted.
    Row,
    /// In another of our statements around it.
    Around,
}

impl Message {
    /// Begins a message with what has to be so before any migration: nobody else holds the migration
    /// lock, and the tables are there.
    pub(super) fn new(schema: &str, tables: Tables) -> Self {
        let mut message = Self { text: String::new(), statements: 0, lock: 1, parts: Vec::new() };
        message.push("BEGIN");
        message.push(&lock::take_or_fail(schema));
        for create in tables.missing(schema) {
            message.push(&create);
        }
        message.push("COMMIT");
        message
    }

    /// Whether so many bytes more fit in.
    pub(super) fn has_room_for(&self, bytes: usize) -> bool {
        self.text.len() + bytes < MOST_BYTES
    }

    /// Adds a migration. Only the last one of a message has to wait for the disk.
    pub(super) fn add(
        &mut self,
        schema: &str,
        server: &Server,
        step: &Step<'_>,
        since: Since,
        is_last: bool,
    ) {
        let previous = self.parts.len();
        self.push("BEGIN");
        let lock = self.push(&lock::take_history(schema));
        for setting in sql::settings(server, step, "SET LOCAL") {
            self.push(&setting);
        }
        let start = self.text.len();
        self.text.push_str(step.sql);
        let text = start..self.text.len();
        // The new line and the semicolon end what the migration may leave open: a `--` comment, its last
        // statement.
        self.text.push_str("\n;\n");
        let own = self.statements..self.statements + step.script.statements.len();
        self.statements = own.end;
        // What waits for the end of the transaction is done while the migration's own settings hold.
        self.push("SET CONSTRAINTS ALL IMMEDIATE");
        for reset in sql::RESET {
            self.push(reset);
        }
        match (server.commits, is_last) {
            (Commits::Disk, false) => {
                self.push(sql::COMMIT_AT_ONCE);
            }
            (Commits::Nothing, true) => {
                self.push(sql::WAIT_FOR_DISK);
            }
            _ => {}
        }
        let row = self.push(&match step.direction {
            Direction::Up => history::insert_applied(schema, step, since, previous > 0),
            Direction::Down => history::delete_applied(schema, step, since),
        });
        if !is_last {
            self.push(sql::PROGRESS);
        }
        let commit = self.push("COMMIT");
        self.parts.push(Part { lock, own, row, commit, text });
    }

    /// Appends a statement, and says which one it is.
    fn push(&mut self, statement: &str) -> usize {
        self.text.push_str(statement);
        self.text.push_str(";\n");
        self.statements += 1;
        self.statements - 1
    }

    /// How many migrations are committed once so many statements are done.
    pub(super) fn committed(&self, done: usize) -> usize {
        self.parts.partition_point(|part| part.commit < done)
    }

    /// How many migrations have their row once so many statements are done.
    pub(super) fn recorded(&self, done: usize) -> usize {
        self.parts.partition_point(|part| part.row < done)
    }

    /// Where the message stopped with so many statements done.
    pub(super) fn place(&self, done: usize) -> Place {
        let index = self.committed(done);
        match self.parts.get(index) {
            _ if self.parts.first().is_some_and(|first| done + 1 < first.lock) => {
                Place::Prelude { is_lock: done == self.lock }
            }
            Some(part) if part.own.contains(&done) => {
                Place::Part { index, at: Within::Own(done - part.own.start) }
            }
            Some(part) if part.lock == done => Place::Part { index, at: Within::Lock },
            Some(part) if part.row == done => Place::Part { index, at: Within::Row },
            _ => Place::Part { index, at: Within::Around },
        }
    }

    /// The byte of a migration's text that is at a byte of the message.
    pub(super) fn byte_in(&self, index: usize, byte: usize) -> Option<usize> {
        let text = &self.parts.get(index)?.text;
        // The end of the text is where an error at its end is.
        (text.start..=text.end).contains(&byte).then(|| byte - text.start)
    }
}
