DROP TABLE review;
DROP DOMAIN star_rating;
