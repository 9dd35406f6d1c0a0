-- Parts whose rows stay in their Parquet file: the store holds their counts and their line in `parts`.
CREATE TABLE lake_parts (
    run_id       VARCHAR NOT NULL,
    part         INTEGER NOT NULL,
    PRIMARY KEY (run_id, part)
);
