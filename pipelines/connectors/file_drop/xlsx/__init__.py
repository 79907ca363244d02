"""Excel workbooks, read as a stream of rows in bounded memory."""
