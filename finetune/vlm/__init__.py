"""Training the embedded vision-language model: what it is shown, what it is asked, how it learns."""
