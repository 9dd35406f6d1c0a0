"""The only layer that imports torch, transformers and peft.

Backbone, Bayesian LoRA, teacher, distillation, student.
"""
