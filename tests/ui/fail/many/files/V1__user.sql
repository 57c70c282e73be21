-- #[route(group = "users")]
CREATE TABLE "user" (id bigint PRIMARY KEY);
