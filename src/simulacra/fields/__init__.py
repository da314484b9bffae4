"""Named vocabularies of many countries: what columns without data are drawn from."""
