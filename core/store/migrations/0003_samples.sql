-- What each sample of a teacher said of a case: predictions keep their mean only.

CREATE TABLE samples (                               -- of some of a run's cases: core.pipeline.score says how many
    run_id        VARCHAR NOT NULL,
    part          INTEGER NOT NULL CHECK (part >= 0),
    case_id       VARCHAR NOT NULL,
    samples       INTEGER NOT NULL CHECK (samples >= 1),                                   -- N
    probabilities FLOAT[] NOT NULL CHECK (len(probabilities) % samples = 0),               -- N x K, sample by sample
    PRIMARY KEY (run_id, case_id)
);
