-- The newest schema, whole: what the migrations add up to (a test compares them). All of it
-- is append-only but for histograms, which are sums, counted_parts, and claims, which are released.

CREATE TABLE runs (
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

CREATE SEQUENCE cell_numbers;
CREATE TABLE cells (                                 -- what a prediction is counted by, as one number
    cell         INTEGER PRIMARY KEY DEFAULT nextval('cell_numbers'),
    run_id       VARCHAR NOT NULL,
    segment      VARCHAR NOT NULL,
    predicted    VARCHAR NOT NULL,
    outcome      VARCHAR NOT NULL CHECK (outcome IN ('right', 'wrong', 'unseen', 'unlabelled')),
    UNIQUE (run_id, segment, predicted, outcome)
);

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
    value         DOUBLE CHECK (value IS NULL OR isfinite(value)),
    novelty       DOUBLE                             -- share of the training cases that are less unlike; NULL: not known
);

CREATE VIEW predictions AS SELECT * EXCLUDE (cell) FROM prediction_rows JOIN cells USING (cell);

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

CREATE TABLE part_ids (                              -- what case ids a part holds: two parts whose ranges are apart share none
    run_id       VARCHAR NOT NULL,
    part         INTEGER NOT NULL,
    bytes        INTEGER NOT NULL,                   -- length of the ids; numbers without leading zeros sort within one length
    lowest       VARCHAR NOT NULL,
    highest      VARCHAR NOT NULL,
    PRIMARY KEY (run_id, part, bytes)
);

CREATE TABLE lake_parts (                            -- the rows of these stay in their Parquet file
    run_id       VARCHAR NOT NULL,
    part         INTEGER NOT NULL,
    PRIMARY KEY (run_id, part)
);

CREATE TABLE policies (
    name         VARCHAR NOT NULL,
    version      INTEGER NOT NULL CHECK (version >= 1),
    content      VARCHAR NOT NULL,                   -- JSON: the thresholds
    author       VARCHAR NOT NULL,
    reason       VARCHAR NOT NULL,
    runs         VARCHAR[] NOT NULL,                 -- the runs whose predictions it was chosen on
    certificate  VARCHAR,                            -- JSON; NULL where there is none
    created_at   TIMESTAMP NOT NULL,                 -- UTC
    expires_on   DATE,                               -- the last day on which it counts; NULL for no end
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
CREATE TABLE verdicts (                              -- the last one of a reviewer on a case counts; none is changed
    position     BIGINT PRIMARY KEY DEFAULT nextval('verdict_order'),
    run_id       VARCHAR NOT NULL,
    case_id      VARCHAR NOT NULL,
    label        VARCHAR,                            -- what the person says it is; NULL where the person gave none
    verdict      VARCHAR NOT NULL CHECK (verdict IN ('right', 'wrong', 'unsure', 'withdrawn')),
    reviewer     VARCHAR NOT NULL,
    "at"         TIMESTAMP NOT NULL,                 -- UTC
    audit        BOOLEAN NOT NULL,                   -- drawn at random among the accepted, with the probability below
    inclusion_probability DOUBLE,
    source       VARCHAR NOT NULL CHECK (source IN ('audit', 'review', 'gold', 'second', 'import')),
    blind        BOOLEAN NOT NULL,                   -- given before the person saw the model's answer
    seconds      DOUBLE CHECK (seconds IS NULL OR (isfinite(seconds) AND seconds >= 0)), -- from the claim to the answer
    CHECK (audit = (inclusion_probability IS NOT NULL)),
    CHECK (inclusion_probability IS NULL
           OR (isfinite(inclusion_probability) AND inclusion_probability > 0 AND inclusion_probability <= 1))
);

CREATE VIEW reviewer_verdicts AS                     -- the last verdict of each reviewer on each case, unless withdrawn
SELECT * FROM (FROM verdicts QUALIFY row_number() OVER (PARTITION BY run_id, case_id, reviewer ORDER BY position DESC) = 1)
WHERE verdict <> 'withdrawn';

CREATE VIEW case_verdicts AS                         -- of several reviewers the majority counts, and a tie is unsure
SELECT run_id, case_id, verdict,
       -- a label counts where all who agree on the verdict name the same one
       CASE WHEN len(list_distinct(labels[verdict])) = 1 THEN list_distinct(labels[verdict])[1] END AS label,
       reviewers, audit, blind, last_at AS "at"
FROM (
    SELECT run_id, case_id,
           CASE sign(count(*) FILTER (verdict = 'right') - count(*) FILTER (verdict = 'wrong'))
                WHEN 1 THEN 'right' WHEN -1 THEN 'wrong' ELSE 'unsure' END AS verdict,
           MAP {'right': list(label) FILTER (verdict = 'right'), 'wrong': list(label) FILTER (verdict = 'wrong')} AS labels,
           count(*) AS reviewers, bool_or(audit) AS audit, bool_and(blind) AS blind, max("at") AS last_at
    FROM reviewer_verdicts GROUP BY run_id, case_id
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
    "at"           TIMESTAMP NOT NULL,               -- UTC
    reason         VARCHAR,                          -- why, one word; NULL in decisions of earlier versions, as in the next
    certificate    VARCHAR                           -- 'valid', 'none', or what voids it, separated by commas
);

CREATE TABLE samples (                               -- of some of a run's cases: core.pipeline.score says how many
    run_id        VARCHAR NOT NULL,
    part          INTEGER NOT NULL CHECK (part >= 0),
    case_id       VARCHAR NOT NULL,
    samples       INTEGER NOT NULL CHECK (samples >= 1),                                   -- N
    probabilities FLOAT[] NOT NULL CHECK (len(probabilities) % samples = 0),               -- N x K, sample by sample
    PRIMARY KEY (run_id, case_id)
);

CREATE SEQUENCE meeting_decision_order;
CREATE TABLE meeting_decisions (                     -- what a meeting decided, and on which scenario
    position         BIGINT PRIMARY KEY DEFAULT nextval('meeting_decision_order'),
    token            VARCHAR NOT NULL UNIQUE,        -- of the form that was sent: the same form sent twice is one decision
    decision         VARCHAR NOT NULL,
    reason           VARCHAR NOT NULL,
    author           VARCHAR NOT NULL,
    scenario         VARCHAR,                        -- name in the ledger; NULL where the decision is about none
    scenario_version INTEGER,
    "at"             TIMESTAMP NOT NULL,             -- UTC
    CHECK ((scenario IS NULL) = (scenario_version IS NULL))
);

CREATE SEQUENCE watch_event_order;
CREATE TABLE watch_events (                          -- the last harm or clear of a version of a policy counts
    position       BIGINT PRIMARY KEY DEFAULT nextval('watch_event_order'),
    run_id         VARCHAR NOT NULL,
    policy         VARCHAR NOT NULL,
    policy_version INTEGER NOT NULL,
    event          VARCHAR NOT NULL CHECK (event IN ('harm', 'clear')),
    detector       VARCHAR NOT NULL,
    last_case      BIGINT NOT NULL,                  -- position of the alarm's case in the stream, from 0
    occurred_at    TIMESTAMP,                        -- time of that case; NULL without a date
    audits         BIGINT NOT NULL,
    observed       DOUBLE NOT NULL,                  -- share of wrong audits
    expected       DOUBLE NOT NULL,                  -- share that was promised or estimated
    author         VARCHAR NOT NULL,
    "at"           TIMESTAMP NOT NULL                -- UTC
);

CREATE TABLE trail_entries (
    position BIGINT PRIMARY KEY CHECK (position >= 1),   -- 1, 2, 3, ... without a gap
    "at"     TIMESTAMP NOT NULL,                         -- UTC
    actor    VARCHAR NOT NULL,                           -- the person's name, or the part of Kakushin that acted
    account  VARCHAR NOT NULL,                           -- of the login, issuer and subject; 'local' without a login
    action   VARCHAR NOT NULL,                           -- such as 'policy.approve'
    subject  VARCHAR NOT NULL,                           -- what was acted on
    details  VARCHAR NOT NULL,                           -- JSON
    previous VARCHAR NOT NULL,                           -- hash of the entry before, hex
    hash     VARCHAR NOT NULL                            -- HMAC-SHA256 over all other columns, hex
);

CREATE TABLE draws (                                 -- accepted cases drawn for a blind audit, with the chance each had
    run_id                VARCHAR NOT NULL,
    case_id               VARCHAR NOT NULL,
    policy                VARCHAR NOT NULL,
    policy_version        INTEGER NOT NULL,
    stratum               VARCHAR NOT NULL,
    inclusion_probability DOUBLE NOT NULL CHECK (inclusion_probability > 0 AND inclusion_probability <= 1),
    u                     DOUBLE NOT NULL CHECK (u >= 0 AND u < inclusion_probability),  -- permanent random number of the case
    drawn_at              TIMESTAMP NOT NULL,        -- UTC
    -- a higher audit share draws the same cases again; the highest probability of a case counts
    PRIMARY KEY (run_id, case_id, policy, policy_version, inclusion_probability)
);

CREATE SEQUENCE claim_order;
CREATE TABLE claims (                                -- who has which case in hand; state and not a record: released is set once
    position     BIGINT PRIMARY KEY DEFAULT nextval('claim_order'),
    run_id       VARCHAR NOT NULL,
    case_id      VARCHAR NOT NULL,
    reviewer     VARCHAR NOT NULL,
    claimed_at   TIMESTAMP NOT NULL,                 -- UTC
    until        TIMESTAMP NOT NULL,                 -- UTC; after it anybody may claim the case
    released     VARCHAR CHECK (released IN ('answered', 'skipped'))
);

CREATE TABLE gold_cases (                            -- cases whose label is certain; no queue shows this table to a reviewer
    run_id       VARCHAR NOT NULL,
    case_id      VARCHAR NOT NULL,
    label        VARCHAR NOT NULL,
    author       VARCHAR NOT NULL,
    added_at     TIMESTAMP NOT NULL,                 -- UTC
    PRIMARY KEY (run_id, case_id)
);

CREATE TABLE unscored_cases (                        -- cases that the gate's model gave no answer for: each waits for a person
    run_id       VARCHAR NOT NULL,
    case_id      VARCHAR NOT NULL,
    segment      VARCHAR NOT NULL,
    text         VARCHAR NOT NULL,
    fault        VARCHAR NOT NULL,                   -- what went wrong, one word
    occurred_at  TIMESTAMP NOT NULL,                 -- UTC
    PRIMARY KEY (run_id, case_id)
);
