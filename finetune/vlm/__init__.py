"""Training of the vision-language models: ``embedded`` (in process, on a CPU) and ``large`` (behind vLLM)."""
