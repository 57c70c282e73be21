//! The servers that a URL names, in the order in which they are tried.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;

use super::parameters::Parameters;
use crate::error::DatabaseError;

/// Where the URL and the environment name no port.
const DEFAULT_PORT: u16 = 5432;

/// One server of the URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Endpoint {
    pub(super) host: Host,
    /// What the name is not looked up for (`hostaddr`).
    pub(super) address: Option<IpAddr>,
    pub(super) port: u16,
}

/// How a server is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Host {
    /// A name, or an address as text.
    Name(String),
    /// The folder of a socket.
    Socket(PathBuf),
}

impl Endpoint {
    /// The text that stands for it in a password file.
    pub(super) fn name(&self) -> &str {
        match &self.host {
            Host::Name(name) => name,
            Host::Socket(folder) => folder.to_str().unwrap_or_default(),
        }
    }

    /// The addresses to try, one after another; a socket has none.
    pub(super) async fn addresses(&self) -> std::io::Result<Vec<Option<IpAddr>>> {
        match (&self.host, self.address) {
            (Host::Socket(_), _) => Ok(vec![None]),
            (Host::Name(_), Some(address)) => Ok(vec![Some(address)]),
            (Host::Name(name), None) => {
                let found = tokio::net::lookup_host((name.as_str(), self.port)).await?;
                Ok(found.map(|address| Some(address.ip())).collect())
            }
        }
    }
}

/// `db01:5432`, or the socket's file.
impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Host::Name(name) if name.contains(':') => write!(f, "[{name}]:{}", self.port),
            Host::Name(name) => write!(f, "{name}:{}", self.port),
            Host::Socket(folder) => {
                write!(f, "{}", folder.join(format!(".s.PGSQL.{}", self.port)).display())
            }
        }
    }
}

/// All of them, at least one.
pub(super) fn endpoints(parameters: &Parameters) -> Result<Vec<Endpoint>, DatabaseError> {
    let split = |name| parameters.text(name).map(|text| text.split(',').collect::<Vec<_>>());
    let (hosts, addresses) = (split("host"), split("hostaddr"));
    let count = match (&hosts, &addresses) {
        (None, None) => {
            return Err(DatabaseError::new("the URL names no host").help(
                "write `postgres://user@host/database`, or `postgres:///database?host=/run/postgresql` for a socket",
            ));
        }
        (Some(hosts), Some(addresses)) if hosts.len() != addresses.len() => {
            return Err(DatabaseError::new(format!(
                "the URL has {} in `host` and {} in `hostaddr`",
                hosts.len(),
                addresses.len()
            ))
            .help("give each host its address, in the same order"));
        }
        (Some(list), _) | (None, Some(list)) => list.len(),
    };
    let ports = ports(parameters, count)?;
    let endpoint = |index: usize| {
        let address = match (at(addresses.as_deref(), index), parameters.get("hostaddr")) {
            (Some(text), Some(parameter)) => {
                Some(text.parse::<IpAddr>().map_err(|_| parameter.invalid("IP addresses, apart by commas"))?)
            }
            _ => None,
        };
        let host = match (at(hosts.as_deref(), index), address) {
            (Some(path), _) if path.starts_with('/') => Host::Socket(path.into()),
            (Some(name), _) => Host::Name(name.to_owned()),
            (None, Some(address)) => Host::Name(address.to_string()),
            (None, None) => {
                return Err(DatabaseError::new(format!("the host {} of the URL is empty", index + 1))
                    .help("write a name between the commas, or take out the comma"));
            }
        };
        let port = ports.get(index).or(ports.first()).copied().unwrap_or(DEFAULT_PORT);
        Ok(Endpoint { host, address, port })
    };
    (0..count).map(endpoint).collect()
}

/// A text of a list, where there is one and it says something.
fn at<'a>(list: Option<&[&'a str]>, index: usize) -> Option<&'a str> {
    list?.get(index).copied().filter(|text| !text.is_empty())
}

/// None, one for all, or one for each host.
fn ports(parameters: &Parameters, hosts: usize) -> Result<Vec<u16>, DatabaseError> {
    let Some(parameter) = parameters.get("port") else {
        return Ok(Vec::new());
    };
    let port = |text: &str| match text {
        "" => Ok(DEFAULT_PORT),
        text => match text.trim().parse() {
            Ok(port) if port != 0 => Ok(port),
            _ => Err(parameter.invalid("numbers from 1 to 65535, apart by commas")),
        },
    };
    let ports = parameter.value().split(',').map(port).collect::<Result<Vec<_>, _>>()?;
    if ports.len() == 1 || ports.len() == hosts {
        Ok(ports)
    } else {
        Err(DatabaseError::new(format!("there are {} ports for {hosts} hosts", ports.len()))
            .help("give each host its port, or one port for all of them"))
    }
}

#[cfg(test)]
mod tests {
    use super::super::url;
    use super::*;

    fn read(url: &str) -> Result<String, String> {
        let endpoints = url::parse(url).and_then(|parameters| endpoints(&parameters));
        let endpoints = endpoints.map_err(|error| error.message)?;
        let text = |endpoint: &Endpoint| match endpoint.address {
            Some(address) => format!("{endpoint} at {address}"),
            None => endpoint.to_string(),
        };
        Ok(endpoints.iter().map(text).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn hosts_have_their_ports_and_addresses() {
        let cases = [
            ("postgres://a/d", Ok("a:5432")),
            ("postgres://a:1,b:2/d", Ok("a:1 b:2")),
            ("postgres://a,b:2/d", Ok("a:5432 b:2")),
            ("postgres://a,b/d?port=7", Ok("a:7 b:7")),
            ("postgres://[::1]:1/d", Ok("[::1]:1")),
            ("postgres://a/d?hostaddr=192.0.2.1", Ok("a:5432 at 192.0.2.1")),
            ("postgres:///d?hostaddr=192.0.2.1", Ok("192.0.2.1:5432 at 192.0.2.1")),
            ("postgres:///d?host=/run/pg", Ok("/run/pg/.s.PGSQL.5432")),
            ("postgres://a,b/d?hostaddr=192.0.2.1", Err("the URL has 2 in `host` and 1 in `hostaddr`")),
            ("postgres://a/d?hostaddr=b", Err("`hostaddr` in the URL has a value that is not understood")),
            ("postgres://a,b,c/d?port=1,2", Err("there are 2 ports for 3 hosts")),
            ("postgres://a,/d", Err("the host 2 of the URL is empty")),
            ("postgres://a:0/d", Err("`port` in the URL has a value that is not understood")),
            ("postgres:///d", Err("the URL names no host")),
        ];
        for (url, expected) in cases {
            assert_eq!(read(url).as_deref().map_err(String::as_str), expected, "{url}");
        }
    }
}
