"""The page's own port: its app, its live socket, its runs and their records."""
