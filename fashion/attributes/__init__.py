"""The attributes network, which learns category and colour from the embedding (notebook 03)."""
