"""The clients: one state machine without I/O per transport, from bytes received to records and bytes to send."""
