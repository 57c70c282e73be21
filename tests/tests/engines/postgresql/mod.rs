//! What only PostgreSQL has: servers, roles, schemas, sessions.

mod by_hand;
mod connect;
mod connections;
mod down;
mod durability;
mod failover;
mod hosts;
mod lock;
mod locks;
mod passwords;
mod pooler;
mod reference;
mod replica;
mod retry;
mod schema;
mod session;
mod table_lock;
mod tls;
