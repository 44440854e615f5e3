"""One open_clip vision tower, many named LoRA branches and heads, the shared frozen blocks run once.

This is the only room that imports torch; import it where it is used, not at the top of a tool.
``encoder.load_encoder`` gives the encoder, ``crop.face_crop`` what it looks at, ``regions`` where things are.
"""
