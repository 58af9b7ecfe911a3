"""Foundations that every chapter uses: errors, files, checksums, provenance, colour."""
