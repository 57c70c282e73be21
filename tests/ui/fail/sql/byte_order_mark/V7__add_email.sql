-- #[route(group = "users")]
ALTER TABLE account ADD COLUMN phone text;
﻿ALTER TABLE account ADD COLUMN email text;
