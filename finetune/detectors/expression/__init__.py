"""The head for apparent expression: linear on zone features of a frozen block, added to the rules on action units."""
