"""How models are trained: the objective, the loop, the student, augmented inputs."""
