"""Training of models: the objective, the loop, the student, augmented inputs."""
