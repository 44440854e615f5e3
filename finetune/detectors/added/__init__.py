"""Families of forgeries added after training: one linear branch on frozen features each."""
