"""Photos: decoding, measuring and describing them, and the cache of what was computed."""
