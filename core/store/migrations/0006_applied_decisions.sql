-- A decision says why, and what became of the policy's certificate; a policy's last day is a column of its own.

CREATE TEMP TABLE known AS FROM policies;
DROP TABLE policies;
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
INSERT INTO policies
SELECT name, version, json_merge_patch(content, '{"expires_on": null}'), author, reason, runs, certificate, created_at,
       CAST(content ->> '$.expires_on' AS DATE)
FROM known;
DROP TABLE known;

CREATE TEMP TABLE known AS FROM decisions;
DROP TABLE decisions;
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
INSERT INTO decisions SELECT *, NULL, NULL FROM known;
DROP TABLE known;
