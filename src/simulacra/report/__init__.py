"""Reports: the scores of an evaluation as a document, a page, a terminal table and charts."""
