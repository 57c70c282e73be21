//! A proxy that reads what goes over the wire, and stops it at a chosen place.

use std::collections::BTreeMap;
use std::io::{BufReader, Error, ErrorKind, Read, Result, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};

use sharded_migrations_core::lex::{statements, tokens};

/// A place in what a run says to one of its databases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Point {
    pub(crate) database: String,
    /// The number of the message among all that go to this database.
    pub(crate) message: usize,
    pub(crate) place: Place,
}

/// A place in a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// The server has heard nothing of it.
    Before,
    /// The server has done this many of its statements and sleeps. The sleep is a statement of its
    /// own, so this is no place inside a message of one statement, which would be a transaction with it.
    Behind(usize),
    /// The server has done it all, and its client has heard nothing of that.
    After,
}

/// A message that was sent.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) database: String,
    pub(crate) statements: usize,
}

/// A proxy for one run. What it has open ends with it.
pub(crate) struct Proxy {
    port: u16,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    server: SocketAddr,
    point: Option<Point>,
    is_over: AtomicBool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    connections: Vec<[TcpStream; 2]>,
    messages: Vec<Message>,
    turns: BTreeMap<String, usize>,
    /// The connection that stands still at the point.
    standing: Option<usize>,
}

impl Proxy {
    /// Before the server on a port of this machine.
    pub(crate) fn start(server: u16, point: Option<Point>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = (Ipv4Addr::LOCALHOST, server).into();
        let shared = Shared { server, point, is_over: AtomicBool::new(false), state: Mutex::default() };
        let shared = Arc::new(shared);
        let seen = Arc::clone(&shared);
        let thread = thread::spawn(move || accept(&listener, &seen));
        Self { port, shared, thread: Some(thread) }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// All that was sent so far.
    pub(crate) fn messages(&self) -> Vec<Message> {
        self.shared.state().messages.clone()
    }

    /// How often each database was asked and had to answer before its client could go on. A start-up
    /// is one turn, however the client proves who it is.
    pub(crate) fn turns(&self) -> BTreeMap<String, usize> {
        self.shared.state().turns.clone()
    }

    /// Whether the run has come to the point.
    pub(crate) fn stands(&self) -> bool {
        self.shared.state().standing.is_some()
    }

    /// Cuts the connection that stands still, on both sides.
    pub(crate) fn cut(&self) {
        let state = self.shared.state();
        end(&state.connections[state.standing.expect("a connection that stands still")]);
    }

    /// Cuts all connections.
    pub(crate) fn cut_all(&self) {
        self.shared.state().connections.iter().for_each(end);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::SeqCst);
        // Wakes the thread that accepts.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
        let _ = self.thread.take().map(JoinHandle::join);
        self.cut_all();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

fn end(connection: &[TcpStream; 2]) {
    for stream in connection {
        let _ = stream.shutdown(Shutdown::Both);
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for client in listener.incoming().map_while(Result::ok) {
        if shared.is_over.load(Ordering::SeqCst) {
            return;
        }
        // A server that is down refuses, and then the client's connection ends here.
        let Ok(server) = TcpStream::connect(shared.server) else { continue };
        let streams = [client, server];
        streams.iter().for_each(|stream| stream.set_nodelay(true).unwrap());
        let copy = || [0, 1].map(|side: usize| streams[side].try_clone().unwrap());
        let number = {
            let mut state = shared.state();
            state.connections.push(copy());
            state.connections.len() - 1
        };
        let open = Arc::new(Open { number, asked: AtomicUsize::new(0), holds: AtomicBool::new(false) });
        let (questions, answers) = (copy(), copy());
        let (seen, also) = (Arc::clone(shared), Arc::clone(&open));
        thread::spawn(move || pass(questions, |client, server| ask(client, server, &seen, &open)));
        let seen = Arc::clone(shared);
        thread::spawn(move || pass(answers, |client, server| answer(client, server, &seen, &also)));
    }
}

/// One connection.
struct Open {
    number: usize,
    /// Questions without an answer.
    asked: AtomicUsize,
    /// Whether the answers stay here.
    holds: AtomicBool,
}

/// How one direction of a connection came to its end.
enum End {
    Closed,
    /// It is at the point. The connection stays open, and nothing more goes through.
    Stands,
}

fn pass(streams: [TcpStream; 2], work: impl FnOnce(&TcpStream, &TcpStream) -> Result<End>) {
    match work(&streams[0], &streams[1]) {
        Ok(End::Stands) => {}
        // The end of one direction is the end of both.
        Ok(End::Closed) | Err(_) => end(&streams),
    }
}

const TLS: u32 = 80_877_103;
const START: u32 = 196_608;

fn ask(client: &TcpStream, mut server: &TcpStream, shared: &Shared, open: &Open) -> Result<End> {
    let mut reader = BufReader::new(client);
    let database = loop {
        let body = body(&mut reader)?;
        match u32::from_be_bytes(body[..4].try_into().unwrap()) {
            TLS => (&*client).write_all(b"N")?,
            START => {
                server.write_all(&framed(&[], &body))?;
                break database(&body[4..])?;
            }
            _ => {
                // A wish to cancel.
                server.write_all(&framed(&[], &body))?;
                return Ok(End::Closed);
            }
        }
    };
    *shared.state().turns.entry(database.clone()).or_default() += 1;
    open.asked.fetch_add(1, Ordering::SeqCst);
    loop {
        // What comes at once is one flight.
        let is_new = reader.buffer().is_empty();
        let mut kind = [0];
        reader.read_exact(&mut kind)?;
        let mut body = body(&mut reader)?;
        if !matches!(&kind, b"p" | b"X") {
            let mut state = shared.state();
            if is_new && open.asked.load(Ordering::SeqCst) == 0 {
                *state.turns.entry(database.clone()).or_default() += 1;
            }
        }
        if matches!(&kind, b"Q" | b"S") {
            open.asked.fetch_add(1, Ordering::SeqCst);
        }
        let place = if kind == *b"Q" { heard(&body, &database, shared) } else { None };
        match place {
            Some(Place::Before) => {
                shared.state().standing = Some(open.number);
                return Ok(End::Stands);
            }
            Some(Place::Behind(count)) => body = with_sleep(&body, count),
            Some(Place::After) => open.holds.store(true, Ordering::SeqCst),
            None => {}
        }
        server.write_all(&framed(&kind, &body))?;
        if matches!(place, Some(Place::Behind(_))) {
            shared.state().standing = Some(open.number);
        }
    }
}

/// Writes a message down, and says what is to happen in it.
fn heard(body: &[u8], database: &str, shared: &Shared) -> Option<Place> {
    let sql = text(body);
    let statements = statements(sql, &tokens(sql)).len();
    let mut state = shared.state();
    let number = state.messages.iter().filter(|message| message.database == database).count();
    state.messages.push(Message { database: database.to_owned(), statements });
    let point = shared.point.as_ref()?;
    (point.database == database && point.message == number).then_some(point.place)
}

/// The message with a sleep behind some of its statements.
fn with_sleep(body: &[u8], count: usize) -> Vec<u8> {
    let sql = text(body);
    let end = statements(sql, &tokens(sql))[count - 1].span.end;
    let (done, rest) = sql.split_at(end);
    format!("{done};\nSELECT pg_catalog.pg_sleep(100000)\n{rest}\0").into_bytes()
}

fn answer(mut client: &TcpStream, server: &TcpStream, shared: &Shared, open: &Open) -> Result<End> {
    let mut reader = BufReader::new(server);
    loop {
        let mut kind = [0];
        reader.read_exact(&mut kind)?;
        let body = body(&mut reader)?;
        let is_ready = kind == *b"Z";
        if open.holds.load(Ordering::SeqCst) {
            if is_ready {
                shared.state().standing = Some(open.number);
                return Ok(End::Stands);
            }
            continue;
        }
        if is_ready {
            // Before the client hears of it, and asks the next.
            open.asked.fetch_sub(1, Ordering::SeqCst);
        }
        client.write_all(&framed(&kind, &body))?;
    }
}

/// What follows a length, which counts itself.
fn body(reader: &mut impl Read) -> Result<Vec<u8>> {
    let mut length = [0; 4];
    reader.read_exact(&mut length)?;
    let length = (u32::from_be_bytes(length) as usize).checked_sub(4).ok_or(ErrorKind::InvalidData)?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(body)
}

fn framed(kind: &[u8], body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap();
    [kind, &length.to_be_bytes(), body].concat()
}

/// The text of a message, without the zero that ends it.
fn text(body: &[u8]) -> &str {
    std::str::from_utf8(body).unwrap().trim_end_matches('\0')
}

/// The database that a start-up names.
fn database(parameters: &[u8]) -> Result<String> {
    let words: Vec<_> = parameters.split(|byte| *byte == 0).map(String::from_utf8_lossy).collect();
    let pair = words.chunks(2).find(|pair| pair[0] == "database");
    let name = pair.and_then(|pair| pair.get(1)).ok_or_else(|| Error::from(ErrorKind::InvalidData))?;
    Ok(name.clone().into_owned())
}
