-- A run may be of a linear model: a logistic regression on the frozen base's states.

CREATE TABLE wider_runs (
    run_id       VARCHAR PRIMARY KEY,
    kind         VARCHAR NOT NULL CHECK (kind IN ('train', 'distil', 'score')),
    created_at   TIMESTAMP NOT NULL,                 -- UTC
    model        VARCHAR NOT NULL,
    model_kind   VARCHAR NOT NULL CHECK (model_kind IN ('linear', 'point', 'teacher', 'student')),
    model_hash   VARCHAR NOT NULL,
    dataset      VARCHAR NOT NULL,
    role         VARCHAR NOT NULL CHECK (role IN ('train', 'calibration', 'stream')),
    inputs_hash  VARCHAR NOT NULL,
    labels       VARCHAR[] NOT NULL,
    samples      INTEGER NOT NULL CHECK (samples >= 1),
    seed         BIGINT NOT NULL,
    settings     VARCHAR NOT NULL,                   -- JSON
    versions     VARCHAR NOT NULL                    -- JSON
);
INSERT INTO wider_runs BY NAME SELECT * FROM runs;
DROP TABLE runs;
ALTER TABLE wider_runs RENAME TO runs;
