DROP INDEX CONCURRENTLY account_name_idx;
