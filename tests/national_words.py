"""Sensitive words of the nation, as migrations load them."""

import csv
from pathlib import Path

LISTS = Path(__file__).parents[1] / "migrations" / "lists"
FILES = ("sensitive_words.tsv", "opinions_and_intimacy.tsv")

LINES = [
    line
    for name in FILES
    for line in csv.DictReader((LISTS / name).read_text(encoding="utf-8").splitlines(), delimiter="\t")
]
"""Lines of both lists: liste, code, parent, libelle."""

WORDS = [(line["parent"], line["libelle"]) for line in LINES if line["liste"] == "mot_sensible"]
"""What each is about, and the word."""
