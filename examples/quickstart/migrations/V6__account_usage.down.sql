DROP VIEW account_usage;
