"""The vision-language model: backends behind one protocol, the embedded model, the launcher of vLLM."""
