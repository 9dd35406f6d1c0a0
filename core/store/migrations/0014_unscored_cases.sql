-- Cases of a gate that its model gave no answer for: decided as review, and in no count of predictions.
CREATE TABLE unscored_cases (                        -- cases that the gate's model gave no answer for: each waits for a person
    run_id       VARCHAR NOT NULL,
    case_id      VARCHAR NOT NULL,
    segment      VARCHAR NOT NULL,
    text         VARCHAR NOT NULL,
    fault        VARCHAR NOT NULL,                   -- what went wrong, one word
    occurred_at  TIMESTAMP NOT NULL,                 -- UTC
    PRIMARY KEY (run_id, case_id)
);
