"""Training text for vision-language models: every engine turns records into ``Sample``s, the same for the same seed."""
