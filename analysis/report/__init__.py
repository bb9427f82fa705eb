"""report.html and report.md: tables, sentences and templates."""
