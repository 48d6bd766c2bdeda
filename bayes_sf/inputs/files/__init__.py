"""Files of tables: text, workbooks, and the numbers in them."""
