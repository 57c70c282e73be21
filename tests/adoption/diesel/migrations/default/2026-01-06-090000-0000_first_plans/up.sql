INSERT INTO plan (name, price_cents) VALUES ('free', 0), ('team', 900);
