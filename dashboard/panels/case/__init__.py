"""The panels of the page of one incident."""
