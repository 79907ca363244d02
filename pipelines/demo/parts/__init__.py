"""The other end of every source, one protocol a file."""
