//! A proxy before a server, to see what goes over the wire.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicUsize, Ordering};
use std::thread::{JoinHandle, sleep};
use std::time::Duration;

use sharded_migrations_tests::wait_for;

/// Counts the connections that its clients have open at once.
///
/// What a server says of that is too late to be exact: it hears of a connection's end after the
/// client, which may have opened the next one by then. Here the end of one has arrived when the next
/// one is accepted, as both come through one machine's memory.
pub(crate) struct Proxy {
    port: u16,
    counts: Arc<Counts>,
    server: Arc<AtomicU16>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Counts {
    stop: AtomicBool,
    most: AtomicUsize,
    all: AtomicUsize,
    /// The server that new connections lead to, when those to another one have ended.
    leads_to: AtomicU16,
}

impl Proxy {
    /// Before the server on a port of this machine.
    pub(crate) fn new(server: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        let counts = Arc::new(Counts::default());
        let seen = Arc::clone(&counts);
        let server = Arc::new(AtomicU16::new(server));
        let to = Arc::clone(&server);
        let thread = std::thread::spawn(move || work(&listener, &to, &seen));
        Self { port, counts, server, thread: Some(thread) }
    }

    /// Has all connections from now on lead to another server, and ends those that are open.
    pub(crate) fn lead_to(&self, server: u16) {
        self.server.store(server, Ordering::Relaxed);
        wait_for("the proxy to lead elsewhere", || {
            (self.counts.leads_to.load(Ordering::Relaxed) == server).then_some(())
        });
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The most connections that were open at once.
    pub(crate) fn most(&self) -> usize {
        self.counts.most.load(Ordering::Relaxed)
    }

    /// All connections that were ever opened.
    pub(crate) fn all(&self) -> usize {
        self.counts.all.load(Ordering::Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.counts.stop.store(true, Ordering::Relaxed);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn work(listener: &TcpListener, server: &AtomicU16, counts: &Counts) {
    let mut open: Vec<[TcpStream; 2]> = Vec::new();
    let mut port = server.load(Ordering::Relaxed);
    while !counts.stop.load(Ordering::Relaxed) {
        let now = server.load(Ordering::Relaxed);
        if now != port {
            port = now;
            open.clear();
        }
        counts.leads_to.store(port, Ordering::Relaxed);
        let accepted = listener.accept().ok();
        let mut is_idle = accepted.is_none();
        // After the new one came, so that the end of an older one is seen first.
        open.retain_mut(|[client, server]| {
            let moved = [pass(client, server), pass(server, client)];
            is_idle &= moved.iter().all(|moved| *moved == Moved::Nothing);
            !moved.contains(&Moved::End)
        });
        if let Some((client, _)) = accepted {
            let server = TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).unwrap();
            for stream in [&client, &server] {
                stream.set_nonblocking(true).unwrap();
                stream.set_nodelay(true).unwrap();
            }
            open.push([client, server]);
            counts.all.fetch_add(1, Ordering::Relaxed);
            counts.most.fetch_max(open.len(), Ordering::Relaxed);
        }
        if is_idle {
            sleep(Duration::from_micros(200));
        }
    }
}

#[derive(PartialEq, Eq)]
enum Moved {
    Nothing,
    Bytes,
    End,
}

/// Passes on all that has come.
fn pass(from: &mut TcpStream, to: &mut TcpStream) -> Moved {
    let mut buffer = [0; 16 * 1024];
    let mut moved = Moved::Nothing;
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return Moved::End,
            Ok(count) => {
                moved = Moved::Bytes;
                if write(to, &buffer[..count]).is_err() {
                    return Moved::End;
                }
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => return moved,
            Err(_) => return Moved::End,
        }
    }
}

fn write(to: &mut TcpStream, mut bytes: &[u8]) -> std::io::Result<()> {
    while !bytes.is_empty() {
        match to.write(bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(error) if error.kind() == ErrorKind::WouldBlock => sleep(Duration::from_micros(50)),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
