//! Finding out who answers at a port, once it is clear that something is wrong there.

use std::net::IpAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What a server that is not PostgreSQL seems to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Foreign {
    Http,
    /// It wants TLS before anything else.
    Tls,
    Other,
}

/// How long each step may take. It is only for a better message.
const PATIENCE: Duration = Duration::from_secs(1);

/// The question for TLS with which a client of PostgreSQL begins: its length and a number.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

/// What a web server begins its answers with.
const HTTP: &[u8] = b"HTTP/";

/// Some of them answer only what looks like their own protocol.
const HTTP_REQUEST: &[u8] = b"HEAD / HTTP/1.0\r\n\r\n";

/// Asks whether a server speaks PostgreSQL's protocol. None where it does, or does not say.
pub(super) async fn ask(address: IpAddr, port: u16) -> Option<Foreign> {
    let answer = answer(address, port, &SSL_REQUEST).await?;
    match answer.as_slice() {
        // Yes, no, or an error in the protocol's form.
        [b'S' | b'N'] | [b'E', 0, ..] => None,
        // An alert: in TLS's record format, a failure that ends it.
        [0x15, 0x03, ..] => Some(Foreign::Tls),
        [] => {
            let answer = self::answer(address, port, HTTP_REQUEST).await?;
            answer.starts_with(HTTP).then_some(Foreign::Http)
        }
        answer if answer.starts_with(HTTP) => Some(Foreign::Http),
        _ => Some(Foreign::Other),
    }
}

/// The first bytes of the answer; none where it closes without a word or keeps silent.
async fn answer(address: IpAddr, port: u16, question: &[u8]) -> Option<Vec<u8>> {
    let connect = TcpStream::connect((address, port));
    let mut stream = tokio::time::timeout(PATIENCE, connect).await.ok()?.ok()?;
    stream.write_all(question).await.ok()?;
    let mut answer = vec![0; HTTP.len()];
    let mut length = 0;
    while length < answer.len() {
        match tokio::time::timeout(PATIENCE, stream.read(&mut answer[length..])).await {
            Ok(Ok(count)) if count > 0 => length += count,
            _ => break,
        }
        // One byte is PostgreSQL's whole answer, and it waits then.
        if length == 1 && matches!(answer[0], b'S' | b'N') {
            break;
        }
    }
    answer.truncate(length);
    Some(answer)
}
