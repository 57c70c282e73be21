//! Rebuilds the example when a migration is added.

fn main() {
    sharded_migrations_build::track_at("../../migrations", "../../databases.toml");
}
