-- #[route(group = "users")]
CREATE TABLE account (id bigint);
