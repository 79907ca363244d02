"""GB/T 26875.3-2011: what user transmission devices of fire alarm systems say. No sockets here."""
