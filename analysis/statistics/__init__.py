"""Statistics of samples and of trials, in columns of millions of rows."""
