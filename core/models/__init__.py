"""The only layer that knows torch, transformers and peft: backbone, Bayesian LoRA, teacher,
distillation, student.
"""
