-- Histograms know the epistemic uncertainty and are kept by number; the ranges of case ids make the check for doubles cheap;
-- what people decide has its tables. What is here is counted again from the predictions, with this version's bins spelled out.

CREATE SEQUENCE cell_numbers;
CREATE TABLE cells (                                 -- what a histogram is kept by, as one number
    cell         INTEGER PRIMARY KEY DEFAULT nextval('cell_numbers'),
    run_id       VARCHAR NOT NULL,
    segment      VARCHAR NOT NULL,
    predicted    VARCHAR NOT NULL,
    outcome      VARCHAR NOT NULL,
    UNIQUE (run_id, segment, predicted, outcome)
);

DROP TABLE histograms;
CREATE TABLE histograms (                            -- bins of core.decision.histogram; a row a (cell, bin, epistemic_bin)
    cell           INTEGER NOT NULL,
    bin            SMALLINT NOT NULL CHECK (bin BETWEEN 0 AND 3000),
    epistemic_bin  UTINYINT NOT NULL CHECK (epistemic_bin <= 15),
    n              BIGINT NOT NULL CHECK (n > 0),
    confidence_sum DOUBLE NOT NULL
);

INSERT INTO cells (run_id, segment, predicted, outcome)
SELECT DISTINCT run_id, segment, predicted, outcome FROM predictions ORDER BY ALL;

-- The bin of a confidence is the rounded product, put right by a comparison with the edges; that of an epistemic uncertainty
-- is the number of limits below it.
INSERT INTO histograms (cell, bin, epistemic_bin, n, confidence_sum)
SELECT cell,
       CAST(rough + CAST(confidence >= (rough + 1e0) / 3000e0 AS INTEGER)
            - CAST(confidence < rough / 3000e0 AS INTEGER) AS SMALLINT),
       CAST(len(list_filter([0.005e0, 0.01e0, 0.02e0, 0.03e0, 0.05e0, 0.075e0, 0.1e0, 0.15e0,
                             0.2e0, 0.3e0, 0.4e0, 0.5e0, 0.75e0, 1.0e0, 1.5e0], lambda x: epistemic > x)) AS UTINYINT),
       count(*), sum(confidence)
FROM (SELECT *, floor(confidence * 3000e0) AS rough FROM predictions) JOIN cells USING (run_id, segment, predicted, outcome)
GROUP BY ALL;

CREATE TABLE part_ids (                              -- what case ids a part holds: two parts whose ranges are apart share none
    run_id       VARCHAR NOT NULL,
    part         INTEGER NOT NULL,
    bytes        INTEGER NOT NULL,                   -- length of the ids; numbers without leading zeros sort within one length
    lowest       VARCHAR NOT NULL,
    highest      VARCHAR NOT NULL,
    PRIMARY KEY (run_id, part, bytes)
);

INSERT INTO part_ids (run_id, part, bytes, lowest, highest)
SELECT run_id, part, CAST(strlen(case_id) AS INTEGER), min(case_id), max(case_id) FROM predictions GROUP BY ALL ORDER BY ALL;

CREATE TABLE policies (
    name         VARCHAR NOT NULL,
    version      INTEGER NOT NULL CHECK (version >= 1),
    content      VARCHAR NOT NULL,                   -- JSON: the thresholds
    author       VARCHAR NOT NULL,
    reason       VARCHAR NOT NULL,
    runs         VARCHAR[] NOT NULL,                 -- the runs whose predictions it was chosen on
    certificate  VARCHAR,                            -- JSON; NULL where there is none
    created_at   TIMESTAMP NOT NULL,                 -- UTC
    PRIMARY KEY (name, version)
);

CREATE SEQUENCE policy_event_order;
CREATE TABLE policy_events (
    position     BIGINT PRIMARY KEY DEFAULT nextval('policy_event_order'),
    name         VARCHAR NOT NULL,
    version      INTEGER NOT NULL,
    event        VARCHAR NOT NULL CHECK (event IN ('propose', 'approve', 'activate', 'undo')),
    author       VARCHAR NOT NULL,
    reason       VARCHAR NOT NULL,
    "at"         TIMESTAMP NOT NULL                  -- UTC
);

CREATE TABLE scenarios (
    name         VARCHAR NOT NULL,
    version      INTEGER NOT NULL CHECK (version >= 1),
    content      VARCHAR NOT NULL,                   -- JSON
    author       VARCHAR NOT NULL,
    created_at   TIMESTAMP NOT NULL,                 -- UTC
    PRIMARY KEY (name, version)
);

CREATE SEQUENCE verdict_order;
CREATE TABLE verdicts (                              -- the last one of a case counts; none is changed
    position     BIGINT PRIMARY KEY DEFAULT nextval('verdict_order'),
    run_id       VARCHAR NOT NULL,
    case_id      VARCHAR NOT NULL,
    label        VARCHAR,                            -- what the person says it is; NULL where the person gave none
    verdict      VARCHAR NOT NULL CHECK (verdict IN ('right', 'wrong', 'unsure')),
    reviewer     VARCHAR NOT NULL,
    "at"         TIMESTAMP NOT NULL,                 -- UTC
    audit        BOOLEAN NOT NULL,                   -- drawn at random among the accepted, with the probability below
    inclusion_probability DOUBLE,
    CHECK (audit = (inclusion_probability IS NOT NULL)),
    CHECK (inclusion_probability IS NULL
           OR (isfinite(inclusion_probability) AND inclusion_probability > 0 AND inclusion_probability <= 1))
);

CREATE SEQUENCE decision_order;
CREATE TABLE decisions (                             -- unique by (run_id, case_id, policy, policy_version): checked when added
    position       BIGINT PRIMARY KEY DEFAULT nextval('decision_order'),
    run_id         VARCHAR NOT NULL,
    case_id        VARCHAR NOT NULL,
    decision       VARCHAR NOT NULL CHECK (decision IN ('accepted', 'review')),
    policy         VARCHAR NOT NULL,
    policy_version INTEGER NOT NULL,
    model_hash     VARCHAR NOT NULL,
    "at"           TIMESTAMP NOT NULL                -- UTC
);
