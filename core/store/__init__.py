"""The store: one DuckDB file behind one cross-process queue, and the Parquet parts that wait to be taken in. All SQL is here.

`parts` is the door for predictions, `store` the methods, a query each; `file` opens, locks and closes; `counts` keeps the
histograms; `records` turns runs into rows; `migrate` brings the schema up to date.
"""
