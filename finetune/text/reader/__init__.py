"""Training of the networks that read a turn of a conversation, see ``faceagent.router.reader``."""
