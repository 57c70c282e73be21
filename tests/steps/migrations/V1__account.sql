-- What the steps work on. A step waits at the row of the gate that has its number, while a test holds it.
-- #[route(everywhere)]
CREATE TABLE account (id bigint, step text, session integer DEFAULT pg_backend_pid());
CREATE TABLE gate (number bigint PRIMARY KEY, passed integer NOT NULL DEFAULT 0);
INSERT INTO gate VALUES (2), (33), (36), (39);
