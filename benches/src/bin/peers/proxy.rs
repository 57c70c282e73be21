//! A network in between: a TCP proxy on loopback that delays, and counts turns.

use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;

/// Every byte takes the same time on the way, however many are on it: a message in many pieces, or many
/// messages at once, are delayed once and not one after another. The handshake of TCP, which a proxy
/// cannot see, is made to take a turn as well.
pub(crate) struct Proxy {
    port: u16,
    counts: Arc<Counts>,
    /// On threads of its own, so that a contender that blocks its own does not hold up the network.
    _runtime: Runtime,
}

/// What went through since the last [`Proxy::take`].
#[derive(Debug, Default)]
struct Counts {
    turns: AtomicU64,
    connections: AtomicU64,
}

/// Bytes on their way. Everything takes equally long, so what set out first arrives first, and one queue
/// serves all connections.
struct Parcel {
    due: Instant,
    to: Destination,
}

enum Destination {
    Socket(UnboundedSender<Vec<u8>>, Vec<u8>),
    Waiting(oneshot::Sender<()>),
}

#[derive(Clone)]
struct Line {
    delay: Duration,
    queue: mpsc::Sender<Parcel>,
}

impl Proxy {
    /// To a port of 127.0.0.1, with a delay each way.
    pub(crate) fn start(server: u16, delay: Duration) -> io::Result<Self> {
        let (queue, parcels) = mpsc::channel();
        // A thread, because the timers of an async runtime are coarse: a millisecond.
        thread::spawn(move || deliver(&parcels));
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
        let port = listener.local_addr()?.port();
        let counts = Arc::new(Counts::default());
        let line = Line { delay, queue };
        let counted = Arc::clone(&counts);
        runtime.spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(connection(client, server, line.clone(), Arc::clone(&counted)));
            }
        });
        Ok(Self { port, counts, _runtime: runtime })
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Turns and connections since the last call. A turn is what a client waits for: it has said
    /// something, and something comes back.
    pub(crate) fn take(&self) -> (u64, u64) {
        (self.counts.turns.swap(0, Relaxed), self.counts.connections.swap(0, Relaxed))
    }
}

/// Hands over each parcel when it is due. A connection that is gone no longer wants its own.
fn deliver(parcels: &mpsc::Receiver<Parcel>) {
    for parcel in parcels {
        thread::sleep(parcel.due.saturating_duration_since(Instant::now()));
        match parcel.to {
            Destination::Socket(socket, bytes) => drop(socket.send(bytes)),
            Destination::Waiting(waiter) => drop(waiter.send(())),
        }
    }
}

async fn connection(client: TcpStream, server: u16, line: Line, counts: Arc<Counts>) -> io::Result<()> {
    counts.connections.fetch_add(1, Relaxed);
    for _ in ["SYN", "SYN-ACK"] {
        let (waiter, arrived) = oneshot::channel();
        line.send(Destination::Waiting(waiter));
        let _ = arrived.await;
    }
    let server = TcpStream::connect((Ipv4Addr::LOCALHOST, server)).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let has_asked = Arc::new(AtomicBool::new(false));

    let asked = Arc::clone(&has_asked);
    carry(from_client, to_server, line.clone(), move || asked.store(true, Relaxed), || {});
    carry(
        from_server,
        to_client,
        line,
        || {},
        move || {
            if has_asked.swap(false, Relaxed) {
                counts.turns.fetch_add(1, Relaxed);
            }
        },
    );
    Ok(())
}

/// Carries one direction until its sender closes.
fn carry(
    from: OwnedReadHalf,
    to: OwnedWriteHalf,
    line: Line,
    on_departure: impl Fn() + Send + 'static,
    on_arrival: impl Fn() + Send + 'static,
) {
    let (socket, arrived) = unbounded_channel();
    tokio::spawn(depart(from, socket, line, on_departure));
    tokio::spawn(arrive(arrived, to, on_arrival));
}

async fn depart(
    mut from: OwnedReadHalf,
    socket: UnboundedSender<Vec<u8>>,
    line: Line,
    on_departure: impl Fn(),
) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        on_departure();
        line.send(Destination::Socket(socket.clone(), buffer[..length].to_vec()));
    }
}

async fn arrive(
    mut arrived: UnboundedReceiver<Vec<u8>>,
    mut to: OwnedWriteHalf,
    on_arrival: impl Fn(),
) -> io::Result<()> {
    while let Some(bytes) = arrived.recv().await {
        on_arrival();
        to.write_all(&bytes).await?;
    }
    to.shutdown().await
}

impl Line {
    fn send(&self, to: Destination) {
        // The other end is there as long as this is.
        let _ = self.queue.send(Parcel { due: Instant::now() + self.delay, to });
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net;

    use super::*;

    /// Longer than any chunk, so that it travels in many.
    const LONG: usize = 1_000_000;
    const DELAY: Duration = Duration::from_millis(2);

    /// Answers each message of a known length with itself, once it has all of it.
    fn echo(lengths: &'static [usize]) -> u16 {
        let listener = net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                thread::spawn(move || {
                    for length in lengths {
                        let mut message = vec![0; *length];
                        stream.read_exact(&mut message).unwrap();
                        stream.write_all(&message).unwrap();
                    }
                });
            }
        });
        port
    }

    #[test]
    fn many_connections_get_every_byte_back_and_their_turns_are_counted() {
        const LENGTHS: &[usize] = &[1, LONG, 10];
        const CONNECTIONS: usize = 80;
        let proxy = Proxy::start(echo(LENGTHS), DELAY).unwrap();
        let talk = || {
            let started = Instant::now();
            let mut stream = net::TcpStream::connect((Ipv4Addr::LOCALHOST, proxy.port())).unwrap();
            for length in LENGTHS {
                let message: Vec<u8> = (0..*length).map(|number| (number % 251) as u8).collect();
                let mut answer = vec![0; *length];
                stream.write_all(&message).unwrap();
                stream.read_exact(&mut answer).unwrap();
                assert!(answer == message, "the answer to {length} bytes is another");
            }
            // The handshake, and each message there and back.
            assert!(started.elapsed() >= DELAY * 2 * (LENGTHS.len() as u32 + 1));
        };
        thread::scope(|scope| (0..CONNECTIONS).for_each(|_| drop(scope.spawn(talk))));
        let turns = (LENGTHS.len() * CONNECTIONS) as u64;
        assert_eq!(proxy.take(), (turns, CONNECTIONS as u64));
        assert_eq!(proxy.take(), (0, 0));
    }

    #[test]
    fn what_is_sent_without_waiting_is_one_turn() {
        // The answer comes to two messages at once.
        let proxy = Proxy::start(echo(&[2]), DELAY).unwrap();
        let mut stream = net::TcpStream::connect((Ipv4Addr::LOCALHOST, proxy.port())).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.write_all(b"a").unwrap();
        stream.write_all(b"b").unwrap();
        let mut answer = [0; 2];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!((&answer, proxy.take()), (b"ab", (1, 1)));
    }
}
