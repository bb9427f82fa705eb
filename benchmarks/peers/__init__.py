"""The same work done by other load generators, side by side with the harness: what each costs and what each sees."""
