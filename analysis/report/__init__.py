"""The report: tables, sentences and templates of report.html and report.md."""
