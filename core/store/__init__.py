"""The store: one DuckDB file behind a cross-process queue, and the Parquet parts not yet ingested.

All SQL of the project lives here. `parts` checks and writes predictions, `intake` ingests them,
`counts` maintains the histograms. `store` queries runs and predictions, `samples` a teacher's
samples, `ledger`, `reviews`, `meetings` and `steps` people's decisions. `file` opens, locks and
closes; `records` and `entries` hold the objects that rows become; `migrate` updates the schema.
"""
