"""What a table is written as: terminal, Markdown, LaTeX, HTML, CSV, Excel, Word."""
