"""Names of methods and scores, without the seconds that importing torch takes."""

FREE = ("embedding-lr", "embedding-lr-temperature", "embedding-knn", "tfidf-lr", "both-lr")
POINT = ("point-temperature", "point-smoothing")  # rivals that train our point estimate again
OURS = ("point", "teacher", "student")
LINEAR = ("linear",)  # ours too, and as cheap as a rival
GROUPS = {"free": FREE, "linear": LINEAR, "ours": OURS, "point": POINT}
NOVELTY = ("confidence", "entropy", "knn", "mahalanobis")  # of embedding + LR
