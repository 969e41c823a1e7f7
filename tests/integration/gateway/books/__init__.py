"""A connector of the tests: an ERP, CRM or MES of plain lists, read in pages, pushed, asked, and written to."""
