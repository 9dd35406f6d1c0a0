-- Audits are drawn before anybody judges, a person claims the case in hand, and a verdict says how it came about.

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

CREATE TEMP TABLE known AS FROM verdicts;
DROP TABLE verdicts;
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
INSERT INTO verdicts SELECT *, CASE WHEN audit THEN 'audit' ELSE 'review' END, false, NULL FROM known;
DROP TABLE known;

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
