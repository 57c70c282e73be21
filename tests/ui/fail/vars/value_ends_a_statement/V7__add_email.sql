-- #[route(everywhere)]
-- #[vars(owner)]
INSERT INTO setting (name, value) VALUES ('owner', ${owner});
