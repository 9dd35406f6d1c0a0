"""The store: one DuckDB file behind one cross-process queue, and the Parquet parts that wait to be
taken in. All SQL is here.

`parts` is the door for predictions, `intake` takes them in, `counts` keeps the histograms; `store`
has the methods for runs and predictions, `samples` those for what a teacher's samples say, `ledger`
and `reviews` those for what people decide, each a small query; `file` opens, locks and closes;
`records` and `entries` are the objects that rows become; `migrate` brings the schema up to date.
"""
