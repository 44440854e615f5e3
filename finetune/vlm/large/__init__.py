"""Training of the large models with trl and PEFT: alignment, instruction, preference."""
