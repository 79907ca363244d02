"""What a process does all day: takes records in, asks sources, serves screens."""
