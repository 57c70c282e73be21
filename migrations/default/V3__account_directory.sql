-- A sign-in has an e-mail address and no id: this is where it finds its shard. The primary key also
-- keeps an address unique over the fleet, which no single shard can.
-- #[route(database = "default")]

CREATE TABLE account_directory (
    email_sha256 bytea PRIMARY KEY CHECK (octet_length(email_sha256) = 32),
    account_id   bigint NOT NULL UNIQUE,
    shard_id     smallint NOT NULL GENERATED ALWAYS AS ((account_id >> 44)::smallint) STORED
);

COMMENT ON COLUMN account_directory.email_sha256 IS 'of the address in lower case, so that no address leaves its region';
