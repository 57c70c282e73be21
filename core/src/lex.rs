//! The words of an SQL file: what is closed, where a statement ends, how it begins.

use std::ops::Range;

use squawk_lexer::{LiteralKind, TokenKind, tokenize};

/// A token and its bytes.
#[derive(Debug, Clone)]
pub struct Token {
    kind: TokenKind,
    /// Its bytes in the text.
    pub span: Range<usize>,
}

/// The tokens of a text, white space and comments among them.
pub fn tokens(sql: &str) -> Vec<Token> {
    let mut at = 0;
    tokenize(sql)
        .map(|token| {
            let start = at;
            at += token.len as usize;
            Token { kind: token.kind, span: start..at }
        })
        .collect()
}

impl Token {
    /// What the token opens and never closes, if it does.
    pub fn unclosed(&self) -> Option<&'static str> {
        match self.kind {
            TokenKind::BlockComment { terminated: false } => Some("block comment"),
            TokenKind::QuotedIdent { terminated: false, .. } => Some("quoted identifier"),
            TokenKind::Literal { kind } => match kind {
                LiteralKind::DollarQuotedString { terminated: false } => Some("dollar-quoted string"),
                LiteralKind::Str { terminated: false }
                | LiteralKind::NationalStr { terminated: false }
                | LiteralKind::ByteStr { terminated: false }
                | LiteralKind::BitStr { terminated: false }
                | LiteralKind::UnicodeEscStr { terminated: false }
                | LiteralKind::EscStr { terminated: false } => Some("string"),
                _ => None,
            },
            _ => None,
        }
    }

    /// Whether it is a `--` comment.
    pub fn is_line_comment(&self) -> bool {
        self.kind == TokenKind::LineComment
    }

    /// Whether it is a `/* .. */` comment.
    pub fn is_block_comment(&self) -> bool {
        matches!(self.kind, TokenKind::BlockComment { .. })
    }

    /// Whether it is a quoted text, in which anything may stand.
    pub fn is_quoted(&self) -> bool {
        let is_number = |kind| matches!(kind, LiteralKind::Int { .. } | LiteralKind::Numeric { .. });
        match self.kind {
            TokenKind::QuotedIdent { .. } => true,
            TokenKind::Literal { kind } => !is_number(kind),
            _ => false,
        }
    }

    /// Whether it is part of a statement: neither white space nor a comment.
    pub fn is_code(&self) -> bool {
        !self.is_line_comment() && !self.is_block_comment() && self.kind != TokenKind::Whitespace
    }
}

/// One statement of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// From its first word to its last token, without the semicolon.
    pub span: Range<usize>,
    /// Its first unquoted words in capitals, at most [`Statement::WORDS`].
    pub words: Vec<String>,
}

impl Statement {
    /// How many words of a statement are kept.
    pub const WORDS: usize = 4;

    /// Whether its first words are these, in capitals.
    pub fn begins_with(&self, words: &[&str]) -> bool {
        self.words.len() >= words.len() && words.iter().zip(&self.words).all(|(word, found)| word == found)
    }
}

/// Takes a file apart at its semicolons, except for those inside parentheses and inside the
/// `BEGIN .. END` of a routine's or a trigger's body. What is between two semicolons without any
/// code is no statement.
pub fn statements(sql: &str, tokens: &[Token]) -> Vec<Statement> {
    let code: Vec<&Token> = tokens.iter().filter(|token| token.is_code()).collect();
    let word = |index: usize| -> Option<&str> {
        let token = code.get(index).filter(|token| token.kind == TokenKind::Ident)?;
        Some(&sql[token.span.clone()])
    };
    let mut found = Vec::new();
    let mut open = Open::default();
    for (index, token) in code.iter().enumerate() {
        match token.kind {
            TokenKind::Semi if open.parentheses == 0 && open.blocks == 0 => {
                found.extend(open.statement.take());
                open = Open::default();
                continue;
            }
            TokenKind::OpenParen => open.parentheses += 1,
            TokenKind::CloseParen => open.parentheses = open.parentheses.saturating_sub(1),
            _ => {}
        }
        let statement =
            open.statement.get_or_insert_with(|| Statement { span: token.span.clone(), words: Vec::new() });
        statement.span.end = token.span.end;
        let Some(here) = word(index) else { continue };
        if is(here, "ON") && open.parentheses == 0 {
            open.has_table = true;
        } else if is(here, "BEGIN") && open.blocks == 0 {
            // `begin` may also be a name: of a parameter, of a column in `UPDATE OF begin ON t`.
            let begins = match Body::of(&statement.words) {
                Body::None => false,
                Body::Routine => word(index + 1).is_some_and(|next| is(next, "ATOMIC")),
                Body::Trigger => open.has_table && open.parentheses == 0,
            };
            open.blocks += usize::from(begins);
        } else if is(here, "CASE") && open.blocks > 0 {
            open.blocks += 1;
        } else if is(here, "END") {
            open.blocks = open.blocks.saturating_sub(1);
        }
        if statement.words.len() < Statement::WORDS {
            statement.words.push(here.to_ascii_uppercase());
        }
    }
    found.extend(open.statement);
    found
}

/// Whether a word is that keyword. Most words have another length, and are not compared.
fn is(word: &str, keyword: &str) -> bool {
    word.len() == keyword.len() && word.eq_ignore_ascii_case(keyword)
}

/// Where a text nests deeper than `most` levels of parentheses, `CASE`, `NOT` and signs: whoever reads it by
/// calling itself needs a stack for that.
pub fn deeper_than(sql: &str, tokens: &[Token], most: usize) -> Option<usize> {
    if tokens.len() <= most {
        return None;
    }
    let (mut open, mut run) = (0_usize, 0_usize);
    for token in tokens.iter().filter(|token| token.is_code()) {
        let word = &sql[token.span.clone()];
        // Most words are longer, and are not compared.
        let is = |other: &str| word.len() == other.len() && word.eq_ignore_ascii_case(other);
        run = if is("NOT") || ["-", "+", "~", "@", "!"].contains(&word) { run + 1 } else { 0 };
        match token.kind {
            TokenKind::OpenParen | TokenKind::OpenBracket => open += 1,
            TokenKind::CloseParen | TokenKind::CloseBracket => open = open.saturating_sub(1),
            TokenKind::Semi => open = 0,
            _ if is("CASE") => open += 1,
            _ if is("END") => open = open.saturating_sub(1),
            _ => {}
        }
        if open + run > most {
            return Some(token.span.start);
        }
    }
    None
}

/// Where a statement has more than `most` tokens that no comma takes apart, those around an open bracket included.
///
/// Whoever reads by calling itself does so at most once for a token, and is back in the list when a comma comes.
pub fn longer_than(tokens: &[Token], most: usize) -> Option<usize> {
    if tokens.len() <= most {
        return None;
    }
    // Since the last comma, for each bracket that is open and for the statement.
    let mut open = vec![0_usize];
    let mut total = 0_usize;
    for token in tokens.iter().filter(|token| token.is_code()) {
        let is_outermost = open.len() == 1;
        let Some(last) = open.last_mut() else { break };
        match token.kind {
            TokenKind::Comma => total -= std::mem::take(last),
            TokenKind::Semi if is_outermost => total -= std::mem::take(last),
            TokenKind::CloseParen | TokenKind::CloseBracket if !is_outermost => {
                total -= *last;
                open.pop();
            }
            kind => {
                *last += 1;
                total += 1;
                if matches!(kind, TokenKind::OpenParen | TokenKind::OpenBracket) {
                    open.push(0);
                }
            }
        }
        if total > most {
            return Some(token.span.start);
        }
    }
    None
}

/// A statement's bytes without the semicolon that ends it.
pub(crate) fn without_semicolon(sql: &str, span: Range<usize>) -> Range<usize> {
    let bare = sql[span.clone()].strip_suffix(';').map(str::trim_end);
    bare.map_or(span.clone(), |bare| span.start..span.start + bare.len())
}

/// Whether a statement is `COPY .. FROM stdin`, after which psql expects rows.
pub fn copies_from_stdin(sql: &str, tokens: &[Token], statement: &Statement) -> bool {
    if !statement.begins_with(&["COPY"]) {
        return false;
    }
    let first = tokens.partition_point(|token| token.span.start < statement.span.start);
    let inside = tokens[first..].iter().take_while(|token| token.span.start < statement.span.end);
    let words: Vec<&str> =
        inside.filter(|token| token.is_code()).map(|token| &sql[token.span.clone()]).collect();
    words.windows(2).any(|pair| pair[0].eq_ignore_ascii_case("from") && pair[1].eq_ignore_ascii_case("stdin"))
}

/// The statement that is being read, and what is open in it.
#[derive(Default)]
struct Open {
    statement: Option<Statement>,
    parentheses: usize,
    /// `BEGIN` and `CASE` inside a body.
    blocks: usize,
    /// Whether its `ON` has come, which a trigger has before its body.
    has_table: bool,
}

/// Which body with semicolons of its own a statement may have.
enum Body {
    None,
    /// `BEGIN ATOMIC .. END` of PostgreSQL.
    Routine,
    /// `BEGIN .. END` of SQLite's triggers.
    Trigger,
}

impl Body {
    /// Of a statement that begins with these words.
    fn of(words: &[String]) -> Self {
        let [first, rest @ ..] = words else { return Self::None };
        let modifiers = ["OR", "REPLACE", "TEMP", "TEMPORARY", "CONSTRAINT"];
        let kind = rest.iter().find(|word| !modifiers.contains(&word.as_str()));
        match (first.as_str(), kind.map(String::as_str)) {
            ("CREATE", Some("FUNCTION" | "PROCEDURE")) => Self::Routine,
            ("CREATE", Some("TRIGGER")) => Self::Trigger,
            _ => Self::None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(sql: &str) -> Vec<&str> {
        statements(sql, &tokens(sql)).into_iter().map(|statement| &sql[statement.span]).collect()
    }

    #[test]
    fn statements_end_at_semicolons() {
        assert_eq!(split("select 1; -- x;\n select 'a;b' ;;/* c; */"), ["select 1", "select 'a;b'"]);
        assert_eq!(split("select $$;$$, $a$ $$;$a$"), ["select $$;$$, $a$ $$;$a$"]);
        assert_eq!(split("select \"a;b\"; select E'\\';'"), ["select \"a;b\"", "select E'\\';'"]);
        assert_eq!(split("-- nothing\n;;"), [""; 0]);
    }

    #[test]
    fn a_body_or_a_parenthesis_keeps_its_semicolons() {
        for whole in [
            "CREATE RULE r AS ON INSERT TO t DO (insert into a values (1); insert into b values (2))",
            "create or replace function f() returns int begin atomic select case when true then 1 end; select 2; end",
            "CREATE TEMP TRIGGER t AFTER INSERT ON a BEGIN UPDATE a SET b = 1; DELETE FROM c; END",
        ] {
            assert_eq!(split(&format!("{whole};select 1")), [whole, "select 1"]);
        }
        assert_eq!(split("BEGIN; COMMIT; END"), ["BEGIN", "COMMIT", "END"]);
        for named in [
            "create table begin (id int)",
            "CREATE FUNCTION f(begin date, finish date) RETURNS int LANGUAGE sql AS 'select 1'",
            "CREATE FUNCTION begin() RETURNS int LANGUAGE sql AS 'select 1'",
            "CREATE TRIGGER begin AFTER UPDATE OF begin ON t WHEN (new.begin > 1) BEGIN SELECT 1; END",
        ] {
            assert_eq!(split(&format!("{named}; COMMIT")), [named, "COMMIT"]);
        }
    }

    #[test]
    fn unclosed_tokens_say_what_they_are() {
        let unclosed = |sql: &str| tokens(sql).iter().find_map(Token::unclosed);
        assert_eq!(unclosed("select 'a"), Some("string"));
        assert_eq!(unclosed("select E'\\'"), Some("string"));
        assert_eq!(unclosed("select \"a"), Some("quoted identifier"));
        assert_eq!(unclosed("/* /* */"), Some("block comment"));
        assert_eq!(unclosed("do $x$ $$ $y$"), Some("dollar-quoted string"));
        assert_eq!(unclosed("select 'a', $$'$$, /* ' */ \"'\" -- '"), None);
    }

    #[test]
    fn a_comma_takes_apart_what_is_long() {
        let is_longer = |sql: &str| longer_than(&tokens(sql), 9).is_some();
        assert!(is_longer("EXPLAIN EXPLAIN EXPLAIN EXPLAIN EXPLAIN EXPLAIN EXPLAIN EXPLAIN EXPLAIN EXPLAIN"));
        assert!(is_longer("a b c d (e f g h i"), "what is around a bracket counts");
        assert!(!is_longer("INSERT INTO a VALUES (1, 'a'), (2, 'b'), (3, 'c'), (4, 'd')"));
        assert!(!is_longer(
            "SELECT (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12) FROM a; SELECT 1 FROM a; SELECT 1"
        ));
    }

    #[test]
    fn the_first_words_are_kept() {
        let sql = "/* x */ drop index \"Concurrently\" concurrently a";
        assert_eq!(statements(sql, &tokens(sql))[0].words, ["DROP", "INDEX", "CONCURRENTLY", "A"]);
    }
}
