"""Training of the embedded model: frozen tower, projector and LoRA adapters."""
