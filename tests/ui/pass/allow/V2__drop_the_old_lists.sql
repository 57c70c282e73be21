-- #[route(everywhere)]
-- Nothing has used them since the release before last.
-- #[allow(drop-table)] #[allow(drop-view)]
DROP VIEW old_list_names;
DROP TABLE old_list;
