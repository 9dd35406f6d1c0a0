-- Who did what and when: each entry carries a keyed hash of itself and of the entry before.

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
