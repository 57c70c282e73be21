DROP TABLE daily_sales_2026;
