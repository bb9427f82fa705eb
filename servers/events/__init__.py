"""The event log and its readers: numbered events, published on time, sent to all clients, traced."""
