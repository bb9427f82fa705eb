"""The same work done by other load generators and by the harness: what each costs and what each measures."""
