"""The forgery branch: LoRA in the last blocks of the encoder and a head on the patches."""
