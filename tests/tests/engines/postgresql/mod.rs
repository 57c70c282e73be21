//! What only PostgreSQL has: servers, roles, schemas, sessions.

mod connect;
mod connections;
mod hosts;
mod lock;
mod passwords;
mod reference;
mod replica;
mod schema;
mod session;
mod tls;
