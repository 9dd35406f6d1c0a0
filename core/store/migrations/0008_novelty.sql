-- A prediction may say how unlike the training cases its case is: the share of them that are less unlike, from 0 to 1. Models
-- made before have none. Parts are checked when they are written; DuckDB adds no column with a constraint.

ALTER TABLE prediction_rows ADD COLUMN novelty DOUBLE;
CREATE OR REPLACE VIEW predictions AS SELECT * EXCLUDE (cell) FROM prediction_rows JOIN cells USING (cell);
