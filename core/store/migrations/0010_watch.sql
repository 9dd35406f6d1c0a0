-- What the watch over a stream found: alarms of harm void the certificate of their policy until one is cleared.

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
