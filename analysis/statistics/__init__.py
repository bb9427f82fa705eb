"""Statistics: distributions of large samples, and inference from trials."""
