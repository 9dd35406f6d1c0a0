-- The first schema.

CREATE TABLE runs (
    run_id       VARCHAR PRIMARY KEY,
    kind         VARCHAR NOT NULL CHECK (kind IN ('train', 'distil', 'score')),
    created_at   TIMESTAMP NOT NULL,                 -- UTC
    model        VARCHAR NOT NULL,
    model_kind   VARCHAR NOT NULL CHECK (model_kind IN ('point', 'teacher', 'student')),
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

CREATE SEQUENCE run_end_order;
CREATE TABLE run_ends (                              -- the last one of a run counts
    position     BIGINT PRIMARY KEY DEFAULT nextval('run_end_order'),
    run_id       VARCHAR NOT NULL,
    ended_at     TIMESTAMP NOT NULL,                 -- UTC
    state        VARCHAR NOT NULL CHECK (state IN ('finished', 'failed')),
    duration_s   DOUBLE NOT NULL CHECK (isfinite(duration_s) AND duration_s >= 0),
    metrics      VARCHAR NOT NULL                    -- JSON
);

CREATE TABLE parts (                                 -- what has been taken in
    run_id       VARCHAR NOT NULL,
    part         INTEGER NOT NULL CHECK (part >= 0),
    rows         BIGINT NOT NULL,
    sha256       VARCHAR NOT NULL,
    first_at     TIMESTAMP,                          -- earliest occurred_at in it
    last_at      TIMESTAMP,
    taken_at     TIMESTAMP NOT NULL,                 -- UTC
    PRIMARY KEY (run_id, part)
);

CREATE TABLE predictions (                           -- unique by (run_id, case_id): checked when a part is taken in
    run_id        VARCHAR NOT NULL,
    part          INTEGER NOT NULL,
    case_id       VARCHAR NOT NULL,
    row           BIGINT NOT NULL,                   -- in the file it came from
    segment       VARCHAR NOT NULL,
    text          VARCHAR NOT NULL,
    label         VARCHAR,
    predicted     VARCHAR NOT NULL,
    outcome       VARCHAR NOT NULL CHECK (outcome IN ('right', 'wrong', 'unseen', 'unlabelled')),
    confidence    DOUBLE NOT NULL CHECK (isfinite(confidence) AND confidence BETWEEN 0 AND 1), -- NaN > 0.9 is true in DuckDB
    total         DOUBLE NOT NULL CHECK (isfinite(total) AND total >= 0),                      -- nats
    aleatoric     DOUBLE NOT NULL CHECK (isfinite(aleatoric) AND aleatoric >= 0),
    epistemic     DOUBLE NOT NULL CHECK (isfinite(epistemic) AND epistemic >= 0),
    probabilities FLOAT[] NOT NULL,                  -- in the order of the run's labels
    occurred_at   TIMESTAMP,
    value         DOUBLE CHECK (value IS NULL OR isfinite(value))
);

CREATE TABLE histograms (                            -- bin b of core.decision.histogram, sums over the run's parts
    run_id         VARCHAR NOT NULL,
    segment        VARCHAR NOT NULL,
    predicted      VARCHAR NOT NULL,
    outcome        VARCHAR NOT NULL,
    bin            SMALLINT NOT NULL CHECK (bin BETWEEN 0 AND 3000),
    n              BIGINT NOT NULL CHECK (n > 0),
    confidence_sum DOUBLE NOT NULL,
    PRIMARY KEY (run_id, segment, predicted, outcome, bin)
);
