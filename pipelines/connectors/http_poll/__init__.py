"""The web service connector: its options, one request, pages, the answer, the poll."""
