-- What a meeting decided: who, when, why, and on which version of which frozen scenario.

CREATE SEQUENCE meeting_decision_order;
CREATE TABLE meeting_decisions (
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
