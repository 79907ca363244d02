"""Who may see what: accounts, sessions, wall tokens, and the log of what they did."""
