-- A prediction names its run, segment, class and outcome by the one number that its counts have: four texts a row fewer to write
-- when a part is taken in. Who reads finds them under their names in the view. A part has no counts of its own any more.

INSERT INTO cells (run_id, segment, predicted, outcome)
SELECT DISTINCT run_id, segment, predicted, outcome FROM predictions ORDER BY ALL
ON CONFLICT DO NOTHING;

CREATE TABLE prediction_rows (                       -- unique by (the cell's run_id, case_id): checked when a part is taken in
    cell          INTEGER NOT NULL,
    part          INTEGER NOT NULL,
    case_id       VARCHAR NOT NULL,
    row           BIGINT NOT NULL,                   -- in the file it came from
    text          VARCHAR NOT NULL,
    label         VARCHAR,
    confidence    DOUBLE NOT NULL CHECK (isfinite(confidence) AND confidence BETWEEN 0 AND 1), -- NaN > 0.9 is true in DuckDB
    total         DOUBLE NOT NULL CHECK (isfinite(total) AND total >= 0),                      -- nats
    aleatoric     DOUBLE NOT NULL CHECK (isfinite(aleatoric) AND aleatoric >= 0),
    epistemic     DOUBLE NOT NULL CHECK (isfinite(epistemic) AND epistemic >= 0),
    probabilities FLOAT[] NOT NULL,                  -- in the order of the run's labels
    occurred_at   TIMESTAMP,
    value         DOUBLE CHECK (value IS NULL OR isfinite(value))
);

INSERT INTO prediction_rows
SELECT cell, part, case_id, "row", text, label, confidence, total, aleatoric, epistemic, probabilities, occurred_at, value
FROM predictions LEFT JOIN cells USING (run_id, segment, predicted, outcome);

DROP TABLE predictions;
CREATE VIEW predictions AS SELECT * EXCLUDE (cell) FROM prediction_rows JOIN cells USING (cell);

CREATE TEMP TABLE known AS FROM cells;
DROP TABLE cells;
CREATE TABLE cells (                                 -- what a prediction is counted by, as one number
    cell         INTEGER PRIMARY KEY DEFAULT nextval('cell_numbers'),
    run_id       VARCHAR NOT NULL,
    segment      VARCHAR NOT NULL,
    predicted    VARCHAR NOT NULL,
    outcome      VARCHAR NOT NULL CHECK (outcome IN ('right', 'wrong', 'unseen', 'unlabelled')),
    UNIQUE (run_id, segment, predicted, outcome)
);
INSERT INTO cells FROM known;
DROP TABLE known;

CREATE TEMP TABLE known AS SELECT cell, bin, epistemic_bin, n, confidence_sum FROM histograms;
DROP TABLE histograms;
CREATE TABLE histograms (                            -- bins of core.decision.histogram, summed over the parts in counted_parts
    cell           INTEGER NOT NULL,
    bin            SMALLINT NOT NULL CHECK (bin BETWEEN 0 AND 3000),
    epistemic_bin  UTINYINT NOT NULL CHECK (epistemic_bin <= 15),
    n              BIGINT NOT NULL CHECK (n > 0),
    confidence_sum DOUBLE NOT NULL
);

CREATE TABLE counted_parts (                         -- the rows of the others are counted by who reads
    run_id       VARCHAR NOT NULL,
    part         INTEGER NOT NULL,
    PRIMARY KEY (run_id, part)
);

INSERT INTO histograms FROM known;
INSERT INTO counted_parts SELECT run_id, part FROM parts;
DROP TABLE known;
