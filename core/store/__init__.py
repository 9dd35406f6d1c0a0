"""The store: one DuckDB file behind one cross-process queue, and the Parquet parts that wait to be taken in. All SQL lives here."""
