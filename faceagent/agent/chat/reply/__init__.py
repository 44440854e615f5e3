"""The reply to one turn: what the record says, in the turn's language, with the numbers of the evidence behind it.

Nothing is measured and nothing decided here. ``E7`` is the seventh item of evidence of the conversation.
"""

from faceagent.agent.chat.reply.compose import compose_reply

__all__ = ["compose_reply"]
