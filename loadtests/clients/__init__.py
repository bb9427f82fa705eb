"""The clients: one Sans-I/O state machine per transport, which turns bytes into records and bytes to send."""
